/** A watch list between a scripted connector and a scripted widget, for tests. */
import { onTestFinished, vi } from "vitest";
import type { Envelope, Settlement } from "../../shared/protocol/envelope.ts";
import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import type { ConnectorState } from "../connector.ts";
import { createWatchList, type WatchList } from "./watch-list.ts";

/** Type of the connector's request. */
export const CHANGE = "API.CHANGE_WATCHED_USERS";

/** A request of the watch list, which the test settles. */
export interface Asked {
  readonly type: string;
  readonly payload: unknown;
  readonly signal: AbortSignal;
  isSettled(): boolean;
  fulfil(payload: unknown): void;
  reject(error: object, meta?: object): void;
}

/** A watch list, and the connector and the widget that the test plays. */
export interface OtherSide {
  readonly watches: WatchList;
  /** All requests of the watch list, oldest first. */
  readonly asked: Asked[];
  /** Changes the connector's state. */
  become(state: ConnectorState): void;
  announce(availability: object): void;
  /** Simulates a request of the page that the widget fulfils at once. */
  pageRequest(event: Envelope): void;
}

/** Creates a watch list with a scripted, connected connector and a fake clock. */
export function setUp(): OtherSide {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const asked: Asked[] = [];
  let state: ConnectorState = "ready";
  const watches = createWatchList({
    clock: createTimerQueue(),
    state: () => state,
    sendRequest: ({ type, payload }, { signal }, onSettled) => {
      let isSettled = false;
      const settle = (settlement: Settlement): void => {
        isSettled = true;
        if (settlement.type.endsWith("_FULFILLED")) watches.handleEvent(settlement, carries(settlement.type));
        onSettled(settlement);
      };
      asked.push({
        type,
        payload,
        signal,
        isSettled: () => isSettled,
        fulfil: (answer) => settle({ type: `${type}_FULFILLED`, payload: answer }),
        reject: (error, meta) =>
          settle({ type: `${type}_REJECTED`, payload: { error }, meta: { source: "bridge", ...meta } }),
      });
    },
  });
  return {
    watches,
    pageRequest(event) {
      watches.handlePageDispatch(event);
      watches.handlePageRequest(event);
    },
    asked,
    become(next) {
      state = next;
      watches.resubscribe();
    },
    announce: (payload) => watches.handleEvent({ type: "USER.TEAMMATE_AVAILABILITY_CHANGED", payload }, true),
  };
}

/** Returns true if the payload of a settlement contains availabilities. */
const carries = (type: string): boolean => type === `${CHANGE}_FULFILLED`;

/** Runs the microtasks and timers that are due. */
export const tick = () => vi.advanceTimersByTimeAsync(0);

/** Creates a watch list of user 1 and a service. The first widget has fulfilled the request and is lost. */
export async function setUpLost(): Promise<OtherSide> {
  const side = setUp();
  side.watches.watch(1, () => {});
  side.pageRequest({ type: "BUS.INIT", payload: { services: ["USER"] } });
  await tick();
  side.asked.at(-1)?.fulfil({});
  side.become("reconnecting");
  await tick();
  return side;
}

/** Creates an availability of a user. */
export const availability = (userId: number, version: number) => ({ userId, status: "available", version });
/** Payload of the page's own request. */
export const watching = (...userIds: number[]) => ({ variables: { userIds } });

/** Payload of the connector's request. */
export const change = (added: readonly number[], removed: readonly number[] = []) => ({
  variables: { added, removed },
});

/** Error of a request that the connector repeats. */
export const unavailable = { code: "BACKEND_UNREACHABLE", message: "", retryable: true };
