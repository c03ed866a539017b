import type { Alarm, AlarmClock } from "../shared/alarm-clock.ts";
import { isSettlementOf, type RequestMeta, refused, type Settlement } from "../shared/envelope.ts";
import type { Port } from "../shared/penpal-port.ts";
import { Refusal, type RejectionCode } from "../shared/rejection.ts";

/**
 * How much longer than the request's life the connector waits for a widget that says nothing, in milliseconds.
 * The widget's own answer at the deadline, which knows more, gets this long to arrive.
 */
const SILENCE_MS = 250;

/** A request as it is posted: checked, named, and with a life of its own. */
export interface PostedRequest {
  readonly type: string;
  readonly payload?: unknown;
  readonly meta: RequestMeta & { readonly id: string; readonly timeoutMs: number };
}

/** A request between being asked and being settled. It settles exactly once. */
export interface OpenRequest {
  readonly settled: Promise<Settlement>;
  /** Posts the request. Until then it waits, and settles `WIDGET_UNAVAILABLE` at the end of its life. */
  send(port: Port): void;
  /** Settles the request from this side. Does nothing where it has settled before. */
  refuse(code: RejectionCode, message: string): void;
}

export interface OpenRequestOptions {
  readonly request: PostedRequest;
  readonly signal: AbortSignal | undefined;
  /** Rings at the end of the request's life. */
  readonly clock: AlarmClock;
  /** What to say where no widget was connected during the request's life. */
  readonly unavailable: string;
  /** Hears the request as it is posted, with what is left of its life. */
  readonly onSent: (request: PostedRequest) => void;
  /** Hears that the caller has aborted a request that the widget is working on. */
  readonly onAbandoned: () => void;
  /** Hears the settlement, once, and returns what the caller gets of it. */
  readonly onSettled: (settlement: Settlement) => Settlement;
}

/** Starts a request's life. */
export function openRequest(options: OpenRequestOptions): OpenRequest {
  const { request, signal, clock, unavailable, onSettled } = options;
  const { type, meta } = request;
  const asked = { type, id: meta.id };
  let resolve: ((settlement: Settlement) => void) | undefined;
  const settled = new Promise<Settlement>((onResolved) => {
    resolve = onResolved;
  });
  let sent = false;
  const life = clock.ringIn(meta.timeoutMs, () => {
    if (!sent) return refuse("WIDGET_UNAVAILABLE", unavailable);
    silence = clock.ringIn(SILENCE_MS, () => refuse("TIMEOUT", `${type} was not settled within ${meta.timeoutMs} ms`));
  });
  let silence: Alarm | undefined;
  signal?.addEventListener("abort", abort);

  function settle(settlement: Settlement): void {
    const settleOnce = resolve;
    if (!settleOnce) return;
    resolve = undefined;
    life.cancel();
    silence?.cancel();
    signal?.removeEventListener("abort", abort);
    settleOnce(onSettled(settlement));
  }

  function refuse(code: RejectionCode, message: string): void {
    settle(refused(asked, new Refusal(code, message)));
  }

  function abort(): void {
    refuse("ABORTED", `${type} was aborted`);
    if (sent) options.onAbandoned();
  }

  function send(port: Port): void {
    sent = true;
    const timeoutMs = Math.ceil(life.remainingMs()) || 1;
    const posted = { ...request, meta: { ...meta, timeoutMs } };
    options.onSent(posted);
    port.post(posted).then(
      (answer) => {
        if (isSettlementOf(asked, answer)) settle(answer);
        else refuse("INVALID_RESPONSE", `${type} was answered with no settlement of it`);
      },
      // Only penpal rejects: the widget's `post` settles everything.
      (cause: unknown) => refuse("CONNECTION_CLOSED", `${type} was lost: ${String(cause)}`),
    );
  }

  return { settled, send, refuse };
}
