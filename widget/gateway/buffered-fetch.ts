import { BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import { parseAge } from "./response-age.ts";

export interface BodyOptions {
  /** Maximum size of a body in bytes, decompressed. */
  readonly maxBytes: number;
  /** Called with the size of each received chunk in bytes. */
  readonly onBytes: (bytes: number) => void;
}

/**
 * Fetches and buffers the whole body, so that a connection lost in the middle fails the call. Of the headers, only
 * `Retry-After` and `Age` remain, in whole seconds: the client reads no others.
 *
 * @throws {BridgeRejectionError} `INVALID_RESPONSE` for a redirect and for an oversized body.
 */
export async function fetchBuffered(
  input: RequestInfo | URL,
  init: RequestInit | undefined,
  options: BodyOptions,
): Promise<Response> {
  const response = await fetch(input, init);
  assertNoRedirect(response);
  const headers = new Headers({ age: `${parseAge(response.headers)}` });
  const retryAfter = parseRetryAfter(response.headers);
  if (retryAfter !== undefined) headers.set("retry-after", String(retryAfter));
  return new Response(await readBody(response, options), { status: response.status, headers });
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
async function readBody(
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
