import type { IncomingMessage, ServerResponse } from "node:http";
import * as v from "valibot";

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const Milliseconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const times = v.exactOptional(Count);

/**
 * A way in which the fake fails. `times` is the number of affected requests; without `times` the fault lasts until it
 * is cleared.
 */
export const Fault = v.variant("kind", [
  /** Refuses connections: nothing listens. `times` has no meaning here. */
  v.strictObject({ kind: v.literal("refuse") }),
  /** Resets the connection without a response. */
  v.strictObject({ kind: v.literal("reset"), times }),
  /** Keeps the connection open without a response. */
  v.strictObject({ kind: v.literal("hang"), times }),
  /** Sends the right response late. */
  v.strictObject({ kind: v.literal("slow"), delayMs: Milliseconds, times }),
  /** Resets the connection in the middle of the body. */
  v.strictObject({ kind: v.literal("cut"), times }),
  /** Sends a body of the given number of bytes that looks like JSON. */
  v.strictObject({ kind: v.literal("huge"), bytes: Count, times }),
  /** Sends another response, such as a 500, a 403, half a JSON, garbage, or a different content type. */
  v.strictObject({
    kind: v.literal("answer"),
    status: v.pipe(v.number(), v.safeInteger(), v.minValue(200), v.maxValue(599)),
    text: v.exactOptional(v.string(), ""),
    headers: v.exactOptional(v.record(v.string(), v.string()), { "content-type": "application/json" }),
    times,
  }),
]);
export type Fault = v.InferOutput<typeof Fault>;

/** Responds to a request with the given fault. `answer` provides the response without the fault. */
export function answerFaulty(
  fault: Fault,
  { request, response, answer }: { request: IncomingMessage; response: ServerResponse; answer: () => void },
): void {
  switch (fault.kind) {
    case "refuse":
    case "reset":
      request.socket.destroy();
      return;
    case "hang":
      return;
    case "slow":
      setTimeout(answer, fault.delayMs);
      return;
    case "cut":
      response.writeHead(200, { "content-type": "application/json", "content-length": "100" });
      response.write('{"users":[{"avail', () => request.socket.destroy());
      return;
    case "huge":
      response.writeHead(200, { "content-type": "application/json" });
      response.end(`{"users":[],"padding":"${"x".repeat(fault.bytes)}"}`);
      return;
    case "answer":
      response.writeHead(fault.status, fault.headers).end(fault.text);
  }
}
