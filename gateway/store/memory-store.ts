import { randomBytes } from "node:crypto";
import { type Clock, systemClock } from "../clock.ts";
import { type AgentState, isUnchanged, type Status, type StoredAgent } from "./agent.ts";
import {
  type AgentVersion,
  type AvailabilityStore,
  type CustomerStore,
  VersionMismatchError,
} from "./availability-store.ts";
import { type ChangeHistory, createChangeHistory } from "./change-history.ts";
import { toCursorText } from "./cursor.ts";
import type { PollPart } from "./live-gateways.ts";
import { createMemorySlots } from "./memory-slots.ts";
import { createReplica, emptyContents, highestVersionOf, type WritableReplica } from "./replica.ts";
import { sumReplicaSizes } from "./replica-size.ts";
import { RETENTION_MS } from "./retention.ts";
import type { ReadStart, UpstreamBlock } from "./upstream-reads.ts";

export interface MemoryStoreOptions {
  /** @default the system clock */
  readonly clock?: Clock;
  /** Number of changes of all customers that are kept for returning subscribers. @default 100000 */
  readonly historyLength?: number;
}

const HISTORY_LENGTH = 100_000;

/** The polls of the only gateway that uses this memory. */
const SOLE_PART: PollPart = {
  ownId: "sole",
  membership: "sole",
  listsId: "sole",
  gatewaysOf: () => ["sole"],
  listOf: () => undefined,
};

/**
 * Creates an empty store in the memory of this process. The data ends with the process; versions grow across restarts.
 */
export function createMemoryStore({
  clock = systemClock,
  historyLength = HISTORY_LENGTH,
}: MemoryStoreOptions = {}): AvailabilityStore {
  const customers = new Map<string, CustomerStore>();
  const order = createOrder(historyLength);
  const replicas: WritableReplica[] = [];
  return {
    forCustomer(customerId) {
      const customer = customers.get(customerId) ?? createCustomerStore(customerId, { clock, order, replicas });
      customers.set(customerId, customer);
      return customer;
    },
    isReady: () => true,
    async whenReady(signal) {
      signal.throwIfAborted();
    },
    // No other gateway shares this memory.
    lease: async () => true,
    gateways: { announce: async () => ({ partOf: () => SOLE_PART }), async withdraw() {} },
    replicaSize: () => sumReplicaSizes(replicas),
    // Each customer in this memory is served.
    eraseUnserved: async () => [],
    historySize: order.history.size,
    async close() {},
  };
}

/** Order of the changes of all customers. */
interface Order {
  readonly epoch: string;
  readonly history: ChangeHistory;
  /** Returns the position of the last change. */
  position(): number;
  /** Returns the position of the next change, and makes it the last. */
  advance(): number;
}

function createOrder(historyLength: number): Order {
  let position = 0;
  return {
    // A restart loses all changes, so a cursor of the earlier process must not be resumable.
    epoch: randomBytes(6).toString("hex"),
    history: createChangeHistory(position, { length: historyLength }),
    position: () => position,
    advance() {
      position += 1;
      return position;
    },
  };
}

interface CustomerStoreParts {
  readonly clock: Clock;
  readonly order: Order;
  /** Replicas of all customers. */
  readonly replicas: WritableReplica[];
}

function createCustomerStore(customerId: string, { clock, order, replicas }: CustomerStoreParts): CustomerStore {
  const { epoch, history, position, advance } = order;
  const replica = createReplica(emptyContents(epoch, position, history.of(customerId)));
  replicas.push(replica);

  const reads = createReadOrder(clock);
  const startedMsByPage = new Map<number, number>();
  let pageCount: number | undefined;
  let failures = { failureCount: 0, moves: 0, reason: "" };
  let block: UpstreamBlock | undefined;
  const slots = createMemorySlots(clock, reads.start);

  // Starting at the current time makes versions grow across a restart, which loses the earlier version.
  const nextVersion = (userId: number) => {
    return Math.max(replica.versionOf(userId) + 1, replica.erasedVersion() + 1, clock.wallMs());
  };

  function storeAgent(userId: number, state: Pick<StoredAgent, "status" | "wrapUp">): StoredAgent {
    const agent = { userId, ...state, version: nextVersion(userId), updatedAt: clock.wallMs() };
    const at = advance();
    replica.apply(at, { cursor: toCursorText({ epoch, position: at }), agent });
    return agent;
  }

  function set(userId: number, state: AgentState): StoredAgent {
    const known = replica.read(userId);
    if (known && isUnchanged(known, state, clock.monotonicMs())) return known;
    return storeAgent(userId, toStored(state, clock));
  }

  function remove(userId: number): void {
    if (!replica.read(userId)) return;
    const at = advance();
    const cursor = toCursorText({ epoch, position: at });
    replica.apply(at, { cursor, removedUserId: userId, version: nextVersion(userId) });
  }

  function record(userId: number, state: AgentState | undefined, readAt: ReadStart): StoredAgent | undefined {
    if (!reads.record(userId, readAt)) return replica.read(userId);
    if (state) return set(userId, state);
    remove(userId);
    return undefined;
  }

  function erase(userIds: readonly number[] | undefined): readonly number[] {
    const known = new Set([...replica.agents()].map(({ userId }) => userId));
    for (const [userId] of replica.removed()) known.add(userId);
    for (const userId of userIds ?? []) remove(userId);
    const version = Math.max(highestVersionOf(replica), replica.erasedVersion(), clock.wallMs());
    replica.erase(advance(), { version, scope: userIds ? "removed" : "all" });
    const erased = userIds?.filter((userId) => known.has(userId)) ?? [...known];
    reads.forget(erased);
    return erased;
  }

  function eraseOutdated(): number {
    const version = clock.wallMs() - RETENTION_MS;
    const outdated = [...replica.removed()].filter(([, removedVersion]) => removedVersion <= version);
    if (outdated.length > 0) replica.erase(advance(), { version, scope: "removed" });
    reads.forget(outdated.map(([userId]) => userId));
    return outdated.length;
  }

  return {
    async open(signal) {
      signal.throwIfAborted();
      return replica;
    },
    staleSinceMs: () => undefined,
    isReady: () => true,
    set: async (userId, state) => set(userId, state),
    insertIfAbsent: async (userId, state) => replica.read(userId) ?? storeAgent(userId, toStored(state, clock)),
    setStatus: async (userId, status, ifVersions) => setStatus(replica, storeAgent, { userId, status, ifVersions }),
    remove: async (userId) => remove(userId),
    // Each change is made in the replica itself.
    async catchUp() {},
    startRead: async () => reads.start(),
    // Without the microseconds, by which reads of the same time differ.
    lastReadMs: async (userId) => Math.floor((reads.last(userId) ?? -Infinity) / 1000),
    record: async (userId, state, readAt) => record(userId, state, readAt),
    async recordAll(agents, readAt) {
      for (const { userId, state } of agents) record(userId, state, readAt);
    },
    async confirm(agents, readAt) {
      const isCurrent = ({ userId, version }: AgentVersion) => replica.versionOf(userId) === version;
      for (const { userId } of agents.filter(isCurrent)) reads.record(userId, readAt);
      return agents.filter((agent) => !isCurrent(agent)).map(({ userId }) => userId);
    },
    async recordPage({ page, readAt, isLast }) {
      failures = { ...failures, failureCount: 0, reason: "" };
      startedMsByPage.set(page, readAt / 1000);
      if (isLast) pageCount = page;
    },
    async recordListFailure(reason) {
      failures = { ...failures, failureCount: failures.failureCount + 1, reason };
      return failures;
    },
    loadListState: async () => ({ startedMsByPage, pageCount, ...failures, block }),
    requestSlots: {
      ...slots,
      async block(milliseconds) {
        const startsMs = clock.monotonicMs();
        const endsMs = startsMs + milliseconds;
        if (endsMs > (block?.endsMs ?? -Infinity)) block = { startsMs, endsMs };
        await slots.block(milliseconds);
      },
    },
    erase: async (userIds) => erase(userIds),
    eraseOutdated: async () => eraseOutdated(),
    isKnown: async () => replica.size() + replica.removedSize() + replica.erasedVersion() > 0,
  };
}

/** Orders the reads of the upstream by when they began, on the monotonic clock of this process. */
function createReadOrder(clock: Clock) {
  let latest: ReadStart = 0;
  const recorded = new Map<number, ReadStart>();
  return {
    /** Returns the present time, later than every time before. */
    start(): ReadStart {
      latest = Math.max(latest + 1, Math.round(clock.monotonicMs() * 1000));
      return latest;
    },
    /** Records a read of an agent. Returns false if a read that began later is recorded already. */
    record(userId: number, readAt: ReadStart): boolean {
      if (readAt < (recorded.get(userId) ?? 0)) return false;
      recorded.set(userId, readAt);
      return true;
    },
    /** Returns when the last recorded read of an agent began. */
    last: (userId: number): ReadStart | undefined => recorded.get(userId),
    /** Forgets the reads of agents. */
    forget(userIds: readonly number[]): void {
      for (const userId of userIds) recorded.delete(userId);
    },
  };
}

function setStatus(
  replica: WritableReplica,
  storeAgent: (userId: number, state: Pick<StoredAgent, "status" | "wrapUp">) => StoredAgent,
  request: { readonly userId: number; readonly status: Status; readonly ifVersions: readonly number[] | undefined },
): StoredAgent | undefined {
  const { userId, status, ifVersions } = request;
  const known = replica.read(userId);
  if (!known) return undefined;
  if (ifVersions && !ifVersions.includes(known.version)) throw new VersionMismatchError(known.version);
  if (known.status === status) return known;
  return storeAgent(userId, { status, ...(known.wrapUp && { wrapUp: known.wrapUp }) });
}

function toStored({ status, wrapUp }: AgentState, clock: Clock): Pick<StoredAgent, "status" | "wrapUp"> {
  if (!wrapUp) return { status };
  const { configuredSeconds, leftSeconds } = wrapUp;
  return { status, wrapUp: { configuredSeconds, endsAtMs: clock.monotonicMs() + leftSeconds * 1000 } };
}
