import * as v from "valibot";
import { UpstreamError } from "./upstream.ts";

/** Longest text, in characters. Gateways hold the text of each failing upstream. */
const MAX_LENGTH = 4_096;

const Failure = v.object({
  message: v.string(),
  status: v.optional(v.number()),
  body: v.optional(v.unknown()),
  retryAfterSeconds: v.optional(v.number()),
  isTimeout: v.boolean(),
});

/**
 * Converts an error to the text by which the gateways that do not poll learn of the failure. Returns an empty text for an
 * error that is not the upstream's. A long body is left out.
 */
export function toFailureText(error: unknown): string {
  if (!(error instanceof UpstreamError)) return "";
  const { message, status, body, retryAfterSeconds, isTimeout } = error;
  const text = JSON.stringify({ message, status, body, retryAfterSeconds, isTimeout });
  return text.length <= MAX_LENGTH ? text : JSON.stringify({ message, status, retryAfterSeconds, isTimeout });
}

/** Converts the text of a failure to an error. Returns `undefined` for a text that is no failure of an upstream. */
export function toFailure(text: string): UpstreamError | undefined {
  const read = v.safeParse(v.pipe(v.string(), v.parseJson(), Failure), text);
  if (!read.success) return undefined;
  const { message, status, retryAfterSeconds, isTimeout, body } = read.output;
  return new UpstreamError(message, {
    isTimeout,
    body,
    ...(status !== undefined && { status }),
    ...(retryAfterSeconds !== undefined && { retryAfterSeconds }),
  });
}
