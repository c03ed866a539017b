/** Watches whether agents can take a call. */
import { readAvailability } from "../../shared/contracts/read-availability.ts";
import type { Connector, WatchStatus } from "../connector.ts";
import type { WatchedAvailability } from "../event-types.ts";
import type { Unsubscribe } from "../listeners.ts";

export interface CallableAgent {
  /** False also while it is not known. */
  readonly callable: boolean;
  /** Status of the watch. `undefined` as long as nothing is known of the agent. */
  readonly status: WatchStatus["status"] | undefined;
}

/** Calls `onChange` with each change of an agent, and at the end of a wrap-up time. */
export function watchCallable(
  connector: Pick<Connector, "watch">,
  userIds: readonly number[],
  onChange: (userId: number, agent: CallableAgent) => void,
): Unsubscribe {
  const availabilities = new Map<number, WatchedAvailability>();
  const statuses = new Map<number, WatchStatus["status"]>();
  const wrapUpTimers = new Map<number, ReturnType<typeof setTimeout>>();

  function update(userId: number, wrapUpTimeTtl = availabilities.get(userId)?.wrapUpTimeTtl ?? 0): void {
    clearTimeout(wrapUpTimers.get(userId));
    const availability = availabilities.get(userId);
    const status = statuses.get(userId);
    if (status !== "live" || !availability) {
      return onChange(userId, { callable: false, status: status === "live" ? undefined : status });
    }
    // The end of the wrap-up time comes without an event.
    if (wrapUpTimeTtl > 0) wrapUpTimers.set(userId, setTimeout(update, wrapUpTimeTtl * 1_000, userId, 0));
    const { callable } = readAvailability({ status: availability.status, wrapUpTimeTtl });
    onChange(userId, { callable, status });
  }

  const unwatch = connector.watch(
    userIds,
    (availability) => {
      availabilities.set(availability.userId, availability);
      update(availability.userId);
    },
    {
      onStatus({ userId, status }) {
        statuses.set(userId, status);
        update(userId);
      },
    },
  );
  return () => {
    unwatch();
    for (const timer of wrapUpTimers.values()) clearTimeout(timer);
  };
}
