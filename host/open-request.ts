import type { Alarm, AlarmClock } from "../shared/alarm-clock.ts";
import { isSettlementOf, type RequestMeta, refused, type Settlement } from "../shared/envelope.ts";
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
  readonly type: string;
  /** Whether the widget has the request. */
  isSent(): boolean;
  /** Posts the request, with what is left of its life. */
  send(): void;
  /** Waits for a widget. Where none comes in time, the request settles `WIDGET_UNAVAILABLE`. */
  wait(): void;
  /** Settles the request from this side. Does nothing where it has settled before. */
  refuse(code: RejectionCode, message: string): void;
}

export interface OpenRequestOptions {
  readonly request: PostedRequest;
  readonly clock: AlarmClock;
  /** How long the request may wait for a widget, in milliseconds, within its life. */
  readonly patienceMs: number;
  /** What to say where no widget was connected in that time. */
  readonly unavailable: string;
  /** Posts what it is given and resolves with the widget's answer. */
  readonly post: (request: PostedRequest) => Promise<unknown>;
  /** Hears the settlement, once. */
  readonly onSettled: (settlement: Settlement) => void;
}

/** Starts a request's life. */
export function openRequest(options: OpenRequestOptions): OpenRequest {
  const { request, clock, patienceMs, unavailable, post, onSettled } = options;
  const { type, meta } = request;
  const asked = { type, id: meta.id };
  let isSettled = false;
  let patience: Alarm | undefined;
  /** Which posting of the request is the one whose answer counts; 0 while it waits. */
  let posting = 0;
  let postings = 0;
  let life = clock.ringIn(meta.timeoutMs, () => {
    if (!posting) return giveUp();
    life = clock.ringIn(SILENCE_MS, () => refuse("TIMEOUT", `${type} was not settled within ${meta.timeoutMs} ms`));
  });

  function settle(settlement: Settlement): void {
    if (isSettled) return;
    isSettled = true;
    life.cancel();
    patience?.cancel();
    onSettled(settlement);
  }

  function refuse(code: RejectionCode, message: string): void {
    settle(refused(asked, new Refusal(code, message)));
  }

  function giveUp(): void {
    refuse("WIDGET_UNAVAILABLE", unavailable);
  }

  return {
    type,
    isSent: () => posting > 0,
    wait() {
      posting = 0;
      patience = clock.ringIn(patienceMs, giveUp);
    },
    send() {
      patience?.cancel();
      postings += 1;
      posting = postings;
      const current = posting;
      const timeoutMs = Math.ceil(life.remainingMs()) || 1;
      const answered = (answer: unknown): void => {
        // What was posted to a widget that has gone is answered by nobody, and posted again to the next.
        if (current !== posting) return;
        if (isSettlementOf(asked, answer)) settle(answer);
        else refuse("INVALID_RESPONSE", `${type} was answered with no settlement of it`);
      };
      post({ ...request, meta: { ...meta, timeoutMs } }).then(answered, answered);
    },
    refuse,
  };
}
