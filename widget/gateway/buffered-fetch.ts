import { BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import { parseAge } from "./elapsed-time.ts";

export interface BodyOptions {
  /** Maximum size of a body in bytes, decompressed. */
  readonly maxBytes: number;
  /** Called with the size of each received chunk in bytes. */
  readonly onBytes: (bytes: number) => void;
}

/** A response with its whole body, and what the client reads of its headers. */
export interface BufferedResponse {
  readonly status: number;
  /** True for a status from 200 to 299. */
  readonly isSuccess: boolean;
  readonly text: string;
  /** `Age` in whole seconds; 0 without the header. */
  readonly ageSeconds: number;
  /** `Retry-After` in whole seconds from now; `undefined` without the header. */
  readonly retryAfterSeconds: number | undefined;
}

/**
 * Fetches and buffers the whole body, so that a connection lost in the middle fails the call.
 *
 * @throws {BridgeRejectionError} `INVALID_RESPONSE` for a redirect and for an oversized body.
 * @throws {TypeError} for a network failure.
 */
export async function fetchBuffered(url: URL, init: RequestInit, options: BodyOptions): Promise<BufferedResponse> {
  const response = await fetch(url, init);
  assertNoRedirect(response);
  const body = await readBody(response, options);
  return {
    status: response.status,
    isSuccess: response.ok,
    text: body ? new TextDecoder().decode(body) : "",
    ageSeconds: parseAge(response.headers),
    retryAfterSeconds: parseRetryAfter(response.headers),
  };
}

/** @throws {BridgeRejectionError} `INVALID_RESPONSE` for a redirect, which could lead to another origin. */
export function assertNoRedirect({ type, status }: Response): void {
  // "Not modified" is no redirect. The caller checks that the request was conditional.
  if (type === "opaqueredirect" || (status >= 300 && status < 400 && status !== 304)) {
    throw new BridgeRejectionError("INVALID_RESPONSE", "The backend responded with a redirect");
  }
}

/** Parses `Retry-After` into whole seconds from now: RFC 9110 §10.2.3 allows a number or a date. */
export function parseRetryAfter(headers: Headers): number | undefined {
  const text = headers.get("retry-after")?.trim();
  if (!text) return undefined;
  const seconds = /^\d+$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - Date.now()) / 1000);
  return Number.isNaN(seconds) ? undefined : Math.max(0, seconds);
}

/**
 * Reads the whole body; `null` without a body.
 *
 * @throws {BridgeRejectionError} `INVALID_RESPONSE` if the body exceeds `maxBytes`.
 */
export async function readBody(
  { body }: Response,
  { maxBytes, onBytes }: BodyOptions,
): Promise<Uint8Array<ArrayBuffer> | null> {
  if (!body) return null;
  const reader = body.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    size += next.value.byteLength;
    onBytes(next.value.byteLength);
    if (size > maxBytes) {
      await reader.cancel();
      throw new BridgeRejectionError("INVALID_RESPONSE", `The backend's response is larger than ${maxBytes} bytes`);
    }
    chunks.push(next.value);
  }
  return size === 0 ? null : concat(chunks, size);
}

function concat(chunks: readonly Uint8Array[], size: number): Uint8Array<ArrayBuffer> {
  const result = new Uint8Array(size);
  let at = 0;
  for (const chunk of chunks) {
    result.set(chunk, at);
    at += chunk.byteLength;
  }
  return result;
}
