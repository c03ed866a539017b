import type { IncomingMessage, ServerResponse } from "node:http";
import * as v from "valibot";

const Count = v.pipe(v.number(), v.safeInteger(), v.minValue(1));
const Milliseconds = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const times = v.exactOptional(Count);

/** A way to fail that the fake can be told. `times` is how many requests it meets; without it, all until it is cleared. */
export const Fault = v.variant("kind", [
  /** Connections are refused: nothing listens. `times` makes no sense here. */
  v.strictObject({ kind: v.literal("refuse") }),
  /** The connection is reset without an answer. */
  v.strictObject({ kind: v.literal("reset"), times }),
  /** The connection stays open without an answer. */
  v.strictObject({ kind: v.literal("hang"), times }),
  /** The right answer, but late. */
  v.strictObject({ kind: v.literal("slow"), delayMs: Milliseconds, times }),
  /** The connection is reset in the middle of the body. */
  v.strictObject({ kind: v.literal("cut"), times }),
  /** A body of this many bytes that would be JSON. */
  v.strictObject({ kind: v.literal("huge"), bytes: Count, times }),
  /** Any other answer, such as a 500, a 403, half a JSON, garbage, or another content type. */
  v.strictObject({
    kind: v.literal("answer"),
    status: v.pipe(v.number(), v.safeInteger(), v.minValue(200), v.maxValue(599)),
    text: v.exactOptional(v.string(), ""),
    headers: v.exactOptional(v.record(v.string(), v.string()), { "content-type": "application/json" }),
    times,
  }),
]);
export type Fault = v.InferOutput<typeof Fault>;

/** Answers a request as a fault says. `answer` gives the answer that there would have been without it. */
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
