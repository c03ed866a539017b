import {
  isSettlementOf,
  type RequestMeta,
  readRequestRef,
  type Settlement,
  toRejected,
} from "../../shared/protocol/envelope.ts";
import { BridgeRejectionError } from "../../shared/protocol/rejection.ts";
import type { TimerQueue } from "../../shared/runtime/timer-queue.ts";

/** A validated request with an id and a timeout, as posted to the widget. */
export interface PostedRequest {
  readonly type: string;
  readonly payload?: unknown;
  readonly meta: RequestMeta & { readonly id: string; readonly timeoutMs: number };
}

/** A request from creation to settlement. Settles exactly once. */
export interface PendingRequest {
  readonly type: string;
  /** True while a widget has the request. */
  isSent(): boolean;
  /** Posts the request with the rest of its timeout. Does nothing if the request has settled. */
  send(): void;
  /** Queues the request for the next widget. Rejects with `WIDGET_UNAVAILABLE` if no widget connects in time. */
  enqueue(): void;
  /** Rejects the request on the host's side. An error that is no `BridgeRejectionError` is `INTERNAL`. Does nothing if the request has settled. */
  reject(reason: unknown): void;
}

/**
 * Creates a request and starts the timeout.
 *
 * @param handshakeTimeoutMs Maximum wait for a widget in milliseconds, within the request's timeout.
 * @param describeUnavailable Returns the message of the rejection if no widget connects in time. Must not throw.
 * @param post Posts a request and resolves with the widget's reply.
 * @param onSettled Called once, with the settlement.
 */
export function createPendingRequest(
  request: PostedRequest,
  clock: TimerQueue,
  handshakeTimeoutMs: number,
  describeUnavailable: () => string,
  post: (request: PostedRequest) => Promise<unknown>,
  onSettled: (settlement: Settlement) => void,
): PendingRequest {
  const { type, meta } = request;
  const requestRef = readRequestRef(request);
  const deadline = performance.now() + meta.timeoutMs;
  let isSettled = false;
  /** The attempt for which a widget has the request. Replies to an earlier attempt are ignored. */
  let attempt: object | undefined;
  let cancelHandshakeTimer: (() => void) | undefined;
  let cancelTimer = clock.schedule(meta.timeoutMs, () => {
    if (!attempt) return rejectUnavailable();
    // The widget rejects at the deadline, too, and knows the cause. The widget's settlement gets 250 ms to arrive.
    cancelTimer = clock.schedule(250, () =>
      reject(new BridgeRejectionError("TIMEOUT", `${type} was not settled within ${meta.timeoutMs} ms`)),
    );
  });

  function settle(settlement: Settlement): void {
    if (isSettled) return;
    isSettled = true;
    cancelTimer();
    cancelHandshakeTimer?.();
    onSettled(settlement);
  }

  function reject(reason: unknown): void {
    settle(toRejected(requestRef, reason));
  }

  function rejectUnavailable(): void {
    reject(new BridgeRejectionError("WIDGET_UNAVAILABLE", describeUnavailable()));
  }

  return {
    type,
    isSent: () => !!attempt,
    enqueue() {
      if (isSettled) return;
      attempt = undefined;
      cancelHandshakeTimer = clock.schedule(handshakeTimeoutMs, rejectUnavailable);
    },
    send() {
      // A listener to another request's settlement may have settled this request.
      if (isSettled) return;
      cancelHandshakeTimer?.();
      const ownAttempt = {};
      attempt = ownAttempt;
      const timeoutMs = Math.max(1, Math.ceil(deadline - performance.now()));
      // A rejected call is a reply as well: the connection was closed, or the widget's `post` threw.
      const handleReply = (reply: unknown): void => {
        if (ownAttempt !== attempt) return;
        if (isSettlementOf(requestRef, reply)) settle(reply);
        else reject(new BridgeRejectionError("INVALID_RESPONSE", `${type} was answered with no settlement of it`));
      };
      post({ ...request, meta: { ...meta, timeoutMs } }).then(handleReply, handleReply);
    },
    reject,
  };
}
