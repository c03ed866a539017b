import { type ObserveCall, runUnobserved } from "../outgoing-call.ts";
import { toCallResult } from "./metrics/call-result.ts";
import type { Observability } from "./observability.ts";

/** Creates the function that measures each call of another service, and records it in the trace of its request. */
export function observeCallsWith({ metrics, tracing }: Pick<Observability, "metrics" | "tracing">): ObserveCall {
  const runTraced = tracing?.observe ?? runUnobserved;
  return async (call, run) => {
    const startedMs = performance.now();
    try {
      const value = await runTraced(call, run);
      metrics.onCall(call, "ok", performance.now() - startedMs);
      return value;
    } catch (error) {
      metrics.onCall(call, toCallResult(error, call), performance.now() - startedMs);
      throw error;
    }
  };
}
