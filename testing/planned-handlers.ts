/** The widget's handlers with the planned delays and rejections of a test. */
import type { BusContract } from "../shared/contracts/index.ts";
import { BackendResponseError, BridgeRejectionError } from "../shared/protocol/rejection.ts";
import type { Handlers } from "../shared/runtime/dispatch.ts";
import type { HandlerContext } from "../shared/runtime/in-flight-requests.ts";
import type { TimerQueue } from "../shared/runtime/timer-queue.ts";
import { handlers } from "../widget/handlers/index.ts";
import type { WidgetServices } from "../widget/services.ts";
import type { Vendor } from "./vendor.ts";
import type { PlannedError } from "./vendor-controls.ts";

type Handler = (payload: never, services: WidgetServices, context: HandlerContext) => unknown;

/** Wraps each handler. The widget has checked the request by the contract before; timeout and abort of the request end the delay. */
export function planHandlers(
  vendor: Pick<Vendor, "plan">,
  schedule: TimerQueue["schedule"],
): Handlers<BusContract, WidgetServices> {
  const planned = Object.entries<Handler>(handlers).map(([type, handle]): [string, Handler] => [
    type,
    async (payload, services, context) => {
      const { delayMs, error } = await vendor.plan(type);
      if (delayMs > 0) await wait(delayMs, context.signal, schedule);
      if (error !== undefined) throw toError(type, error);
      return handle(payload, services, context);
    },
  ]);
  // Each wrapper passes payload, services and context on, so the type of the handler stays.
  return Object.fromEntries(planned) as Handlers<BusContract, WidgetServices>;
}

function toError(type: string, error: PlannedError): Error {
  return typeof error === "string"
    ? new BridgeRejectionError(error, `The test rejects ${type}`)
    : new BackendResponseError(error.status, error.body ?? { message: `The test rejects ${type}` });
}

/** Resolves after the delay. @throws the signal's reason, as soon as the signal aborts. */
function wait(milliseconds: number, signal: AbortSignal, schedule: TimerQueue["schedule"]): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      cancel();
      reject(signal.reason);
    };
    const cancel = schedule(milliseconds, () => {
      signal.removeEventListener("abort", stop);
      resolve();
    });
    if (signal.aborted) stop();
    else signal.addEventListener("abort", stop);
  });
}
