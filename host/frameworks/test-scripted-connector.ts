/** A connector that a test scripts: it records watches, and has the news that the test gives. */
import type { Connector, ConnectorState, WatchStatus } from "../connector.ts";
import type { WatchedAvailability } from "../event-types.ts";
import { createListeners } from "../listeners.ts";

export interface ScriptedConnector {
  readonly connector: Connector;
  /** Ids of all watches so far, in order. */
  readonly begun: readonly number[];
  /** Ids of the present watches. */
  watched(): readonly number[];
  /** Gives an availability and its status to each watch of the agent. */
  announce(availability: WatchedAvailability): void;
  /** Gives a status to each watch of the agent. */
  report(status: WatchStatus): void;
  become(state: ConnectorState): void;
  /** True if something listens to the state. */
  isObserved(): boolean;
}

function refuse(): never {
  throw new Error("This connector only watches");
}

/** Creates a connected connector. */
export function createScriptedConnector(): ScriptedConnector {
  const states = createListeners<[ConnectorState]>();
  const watches = new Set<{
    readonly userId: number;
    readonly listener: (availability: WatchedAvailability) => void;
    readonly onStatus: (status: WatchStatus) => void;
  }>();
  const begun: number[] = [];
  let state: ConnectorState = "ready";
  const become = (next: ConnectorState): void => {
    state = next;
    states.emit(next);
  };
  const of = (userId: number) => [...watches].filter((watch) => watch.userId === userId);
  const connector: Connector = {
    ready: Promise.resolve(),
    get state() {
      return state;
    },
    liveState: "live",
    dispatch: refuse,
    request: refuse,
    refreshToken: refuse,
    on: () => () => {},
    onLiveChange: () => () => {},
    observe: () => () => {},
    onStateChange: states.add,
    watch(userIds, listener, { onStatus = () => {} } = {}) {
      const [userId = 0] = [userIds].flat();
      if (!Number.isSafeInteger(userId) || userId < 1) throw new TypeError("userId: expected a whole number from 1");
      const watch = { userId, listener, onStatus };
      watches.add(watch);
      begun.push(userId);
      return () => watches.delete(watch);
    },
    destroy: () => become("closed"),
  };
  return {
    connector,
    begun,
    watched: () => Array.from(watches, ({ userId }) => userId),
    announce(availability) {
      const { userId } = availability;
      for (const { listener, onStatus } of of(userId)) {
        listener(availability);
        onStatus({ userId, status: "live" });
      }
    },
    report(status) {
      for (const { onStatus } of of(status.userId)) onStatus(status);
    },
    become,
    isObserved: () => !states.isEmpty(),
  };
}
