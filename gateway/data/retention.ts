import { type Delay, delay } from "../delay.ts";
import { type AvailabilityStore, StoreUnavailableError } from "../store/availability-store.ts";
import type { UpstreamLog } from "../upstream/upstream.ts";

export interface RetentionOptions {
  readonly store: AvailabilityStore;
  /** Returns the ids of the customers that this gateway serves. */
  readonly customerIds: () => readonly string[];
  readonly log: Pick<UpstreamLog, "line" | "defect">;
  /** Waits between two runs. @default the process's timers */
  readonly wait?: Delay;
  /** Returns a number from 0 up to 1. @default Math.random */
  readonly random?: () => number;
}

/** Erases what the retention no longer keeps, for as long as the gateway runs. */
export interface Retention {
  stop(): Promise<void>;
}

/** Greatest delay before the first run, in milliseconds. Gateways start at the same time, but do not all run at once. */
const FIRST_RUN_MS = 10 * 60 * 1000;
/** Time between two runs, in milliseconds. The store does the work of each customer once a day. */
const RUN_MS = 60 * 60 * 1000;

/** Starts to erase the ids of agents that were removed more than 30 days ago, and customers that no gateway serves. */
export function startRetention(options: RetentionOptions): Retention {
  const { log, wait = delay, random = Math.random } = options;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function repeat(): Promise<void> {
    await wait(random() * FIRST_RUN_MS, signal);
    for (;;) {
      await run(options, signal);
      await wait(RUN_MS, signal);
    }
  }

  const done = repeat().catch((error: unknown) => {
    if (!signal.aborted) log.defect(error);
  });
  return {
    async stop() {
      stopping.abort();
      await done;
    },
  };
}

/** Runs once. The next run does the work of customers whose part of the store is unavailable. */
async function run({ store, customerIds, log }: RetentionOptions, signal: AbortSignal): Promise<void> {
  for (const customerId of customerIds()) {
    signal.throwIfAborted();
    // Without the whole store each customer would fail.
    if (!store.isReady()) return;
    const count = await ifAvailable(store.forCustomer(customerId).eraseOutdated());
    if (count) log.line(`Customer ${customerId}: erased the ids of ${count} users that were removed 30 days ago`);
  }
  signal.throwIfAborted();
  for (const customerId of (await ifAvailable(store.eraseUnserved())) ?? [])
    log.line(`Customer ${customerId}: erased all data, since no gateway has served the customer for 30 days`);
}

/** Resolves with `undefined` if the store is unavailable: the other shards of a cluster may be available. */
async function ifAvailable<Result>(pending: Promise<Result>): Promise<Result | undefined> {
  try {
    return await pending;
  } catch (error) {
    if (error instanceof StoreUnavailableError) return undefined;
    throw error;
  }
}
