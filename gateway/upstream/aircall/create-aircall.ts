import { type Clock, systemClock } from "../../clock.ts";
import { type Delay, delay } from "../../delay.ts";
import { type ObserveCall, runUnobserved } from "../../outgoing-call.ts";
import type { StoredAgent } from "../../store/agent.ts";
import type { AvailabilityStore } from "../../store/availability-store.ts";
import { createAgentLock } from "../agent-lock.ts";
import { withCustomerName } from "../customer-log.ts";
import { createHealthTracker } from "../health-tracker.ts";
import { createPollAssignments, type PollAssignments } from "../poll-assignments.ts";
import { createPollLease } from "../poll-lease.ts";
import { createRefreshQueue } from "../refresh-queue.ts";
import { createRequestBudget } from "../request-budget.ts";
import { UpstreamError, type UpstreamLog } from "../upstream.ts";
import { type AircallClient, createAircallClient } from "./client.ts";
import { createListReader } from "./list.ts";
import { createRateLimitedClient } from "./rate-limited-client.ts";
import { createRecorder, type Recorder } from "./recorder.ts";
import { createRemovals, type Removals } from "./removals.ts";
import type { AircallSettings } from "./settings.ts";
import { runSharedPoll } from "./shared-poll.ts";

export interface AircallOptions {
  readonly customerId: string;
  readonly settings: AircallSettings;
  readonly store: AvailabilityStore;
  readonly log: UpstreamLog;
  /** Timeout of a call, body included, unless the settings contain one, in milliseconds. @default 10000 */
  readonly timeoutMs?: number;
  /** @default the system clock */
  readonly clock?: Clock;
  /** @default a delay by `setTimeout` */
  readonly wait?: Delay;
  /** @default the global `fetch` */
  readonly fetch?: typeof fetch;
  /** Runs each call of the API, for metrics and traces. @default nothing is observed */
  readonly observe?: ObserveCall;
  /** Divides the polls of all customers among the gateways. @default an assignment of this customer alone */
  readonly pollAssignments?: PollAssignments;
  /** Random number from 0 to 1, for the times of polls. @default Math.random */
  readonly random?: () => number;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** Time that the store may take for a change of an agent besides the two calls of the API, in milliseconds. */
const STORE_TIME_MS = 15_000;

/** Time by which a list may be late, besides two intervals of its pages, in milliseconds. */
const GRACE_MS = 2_000;

/** Creates and connects the parts of the adapter. The signal stops them. */
export function createAircall(options: AircallOptions, signal: AbortSignal) {
  const { customerId, settings, store } = options;
  const { timeoutMs = options.timeoutMs ?? DEFAULT_TIMEOUT_MS } = settings;
  const log = withCustomerName(customerId, options.log);
  const { clock = systemClock, wait = delay, fetch = globalThis.fetch, random = Math.random } = options;
  const { observe = runUnobserved } = options;
  const lease: AvailabilityStore["lease"] = (task, durationMs, leaseOptions) =>
    store.lease(`aircall/${customerId}/${task}`, durationMs, { ...leaseOptions, customerId });
  const customerStore = store.forCustomer(customerId);
  const { requestsPerMinute, wrapUpSeconds } = settings;
  const budget = createRequestBudget({ requestsPerMinute, slots: customerStore.requestSlots, clock });
  const client = createRateLimitedClient(
    createAircallClient({ ...settings, timeoutMs, fetch, customerId, observe }),
    budget,
  );
  const recorder = createRecorder({ store: customerStore, wrapUpSeconds, clock, log, signal });
  // Longest time between two renewals of the lease: a gateway may be busy with one page.
  const leaseMs = timeoutMs + 2 * budget.pollIntervalMs + 1_000;
  const schedule = { pageIntervalMs: budget.pollIntervalMs, graceMs: 2 * budget.pollIntervalMs + GRACE_MS };
  const healthTracker = createHealthTracker({
    ...schedule,
    overdueMs: 2 * leaseMs,
    lastBlock: budget.lastBlock,
    clock,
    log,
  });
  const removals = createRemovals({ client, recorder, log });
  const readAgent = (userId: number) => readAndRecord({ client, recorder, removals }, userId, signal);
  const refreshes = createRefreshQueue({
    async read(userId) {
      await readAgent(userId);
    },
    lastReadMs: customerStore.lastReadMs,
    clock,
    budget,
    wait,
    signal,
  });
  const list = createListReader({
    client,
    recorder,
    removals,
    clock,
    log,
    async onPageStored(read) {
      await customerStore.recordPage({ ...read, ...schedule });
      healthTracker.recordPage(read);
    },
    onPageStarted() {
      const markRefreshed = refreshes.startOtherRead();
      return (users) => markRefreshed(users.map(({ id }) => id));
    },
  });
  const agentLock = createAgentLock({
    lease,
    isStoreReady: customerStore.isReady,
    durationMs: 2 * timeoutMs + STORE_TIME_MS,
    wait,
  });
  let isPolling = false;
  const onTurn = (isHolder: boolean) => {
    isPolling = isHolder;
  };
  const pollLease = createPollLease(lease, leaseMs);
  const pollParts = { list, budget, lease: pollLease, healthTracker, store: customerStore, onTurn };
  const startPoll = async () => {
    const isOwn = !options.pollAssignments;
    const assignments =
      options.pollAssignments ?? createPollAssignments({ gateways: store.gateways, clock, wait, random, log });
    const polling = runSharedPoll({ ...pollParts, customerId, assignments, clock, wait, random }, signal);
    if (isOwn) assignments.start();
    await polling;
    if (isOwn) await assignments.stop();
  };
  return {
    isPolling: () => isPolling,
    budget,
    log,
    client,
    readAgent,
    removals,
    refreshes,
    agentLock,
    healthTracker,
    startPoll,
  };
}

interface AgentReader {
  readonly client: AircallClient;
  readonly recorder: Recorder;
  readonly removals: Removals;
}

/** Reads an agent from the API into the store, and resolves with the stored agent. */
async function readAndRecord(
  { client, recorder, removals }: AgentReader,
  userId: number,
  signal: AbortSignal,
): Promise<StoredAgent | undefined> {
  const readAt = await recorder.startRead();
  try {
    await recorder.record([{ id: userId, availability: await client.read(userId, signal) }], readAt);
    return await recorder.read(userId);
  } catch (error) {
    // A single 404 removes no agent, because it could come from a proxy.
    if (error instanceof UpstreamError && error.status === 404) removals.markMissing(userId);
    throw error;
  }
}
