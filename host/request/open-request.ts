import { isSettlementOf, type RequestMeta, refused, type Settlement } from "../../shared/protocol/envelope.ts";
import { Refusal, type RejectionCode } from "../../shared/protocol/rejection.ts";
import type { AlarmClock } from "../../shared/runtime/alarm-clock.ts";

/** A request as it is posted: checked, named, and with a life of its own. */
export interface PostedRequest {
  readonly type: string;
  readonly payload?: unknown;
  readonly meta: RequestMeta & { readonly id: string; readonly timeoutMs: number };
}

/** A request between being asked and being settled. It settles exactly once. */
export interface OpenRequest {
  readonly type: string;
  /** Whether a widget has the request. */
  isSent(): boolean;
  /** Posts the request, with what is left of its life. Does nothing where it has settled. */
  send(): void;
  /** Waits for a widget. Where none comes in time, the request settles `WIDGET_UNAVAILABLE`. */
  wait(): void;
  /** Settles the request from this side. Does nothing where it has settled before. */
  refuse(code: RejectionCode, message: string): void;
}

/** What all requests of a connector have in common. */
export interface RequestSurroundings {
  readonly clock: AlarmClock;
  /** How long a request may wait for a widget, in milliseconds, within its life. */
  readonly patienceMs: number;
  /** What to say where no widget was connected in that time. */
  readonly unavailable: string;
  /** Posts what it is given and resolves with the widget's answer. */
  readonly post: (request: PostedRequest) => Promise<unknown>;
}

/** Starts a request's life. `onSettled` hears its settlement, once. */
export function openRequest(
  request: PostedRequest,
  { clock, patienceMs, unavailable, post }: RequestSurroundings,
  onSettled: (settlement: Settlement) => void,
): OpenRequest {
  const { type, meta } = request;
  const asked = { type, id: meta.id };
  const end = performance.now() + meta.timeoutMs;
  let isSettled = false;
  let isSent = false;
  /** Counts postings and waits. What belongs to an earlier one, such as the answer of a widget that has gone, is void. */
  let turn = 0;
  let endPatience = (): void => {};
  let cancel = clock.ringIn(meta.timeoutMs, () => {
    if (!isSent) return giveUp();
    // The widget's own answer at the deadline, which knows more, gets this long to arrive.
    cancel = clock.ringIn(250, () => refuse("TIMEOUT", `${type} was not settled within ${meta.timeoutMs} ms`));
  });

  function settle(settlement: Settlement): void {
    if (isSettled) return;
    isSettled = true;
    cancel();
    endPatience();
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
    isSent: () => isSent,
    wait() {
      if (isSettled) return;
      isSent = false;
      turn += 1;
      endPatience = clock.ringIn(patienceMs, giveUp);
    },
    send() {
      // Whoever heard of another request may have settled this one.
      if (isSettled) return;
      isSent = true;
      endPatience();
      turn += 1;
      const mine = turn;
      const timeoutMs = Math.max(1, Math.ceil(end - performance.now()));
      const onAnswer = (answer: unknown): void => {
        if (mine !== turn) return;
        if (isSettlementOf(asked, answer)) settle(answer);
        else refuse("INVALID_RESPONSE", `${type} was answered with no settlement of it`);
      };
      post({ ...request, meta: { ...meta, timeoutMs } }).then(onAnswer, onAnswer);
    },
    refuse,
  };
}
