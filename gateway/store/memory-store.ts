import { randomBytes } from "node:crypto";
import { type Clock, systemClock } from "../clock.ts";
import { type AgentState, isUnchanged, type Status, type StoredAgent } from "./agent.ts";
import { type AvailabilityStore, type CustomerStore, VersionMismatchError } from "./availability-store.ts";
import { toCursorText } from "./cursor.ts";
import { createReplica, emptyContents, type WritableReplica } from "./replica.ts";

export interface MemoryStoreOptions {
  /** @default the system clock */
  readonly clock?: Clock;
  /** Number of a customer's changes after which a returning subscriber can no longer resume. @default 10000 */
  readonly historyLength?: number;
}

const HISTORY_LENGTH = 10_000;

/**
 * Creates an empty store in the memory of this process. The data ends with the process; versions grow across restarts.
 */
export function createMemoryStore({
  clock = systemClock,
  historyLength = HISTORY_LENGTH,
}: MemoryStoreOptions = {}): AvailabilityStore {
  const customers = new Map<string, CustomerStore>();
  return {
    forCustomer(customerId) {
      const customer = customers.get(customerId) ?? createCustomerStore(clock, historyLength);
      customers.set(customerId, customer);
      return customer;
    },
    isReady: () => true,
    async whenReady(signal) {
      signal.throwIfAborted();
    },
    // No other gateway shares this memory.
    lease: async () => true,
    isLeased: async () => false,
    async close() {},
  };
}

function createCustomerStore(clock: Clock, historyLength: number): CustomerStore {
  // A restart loses all changes, so a cursor of the earlier process must not be resumable.
  const epoch = randomBytes(6).toString("hex");
  let position = 0;
  const replica = createReplica(
    emptyContents(epoch, () => position),
    historyLength,
  );

  // Starting at the current time makes versions grow across a restart, which loses the earlier version.
  const nextVersion = (userId: number) => Math.max(replica.versionOf(userId) + 1, clock.wallMs());

  function nextCursor(): string {
    position += 1;
    return toCursorText({ epoch, position });
  }

  function storeAgent(userId: number, state: Pick<StoredAgent, "status" | "wrapUp">): StoredAgent {
    const agent = { userId, ...state, version: nextVersion(userId), updatedAt: clock.wallMs() };
    const cursor = nextCursor();
    replica.apply(position, { cursor, agent });
    return agent;
  }

  return {
    async open(signal) {
      signal.throwIfAborted();
      return replica;
    },
    async set(userId, state) {
      const known = replica.read(userId);
      if (known && isUnchanged(known, state, clock.monotonicMs())) return known;
      return storeAgent(userId, toStored(state, clock));
    },
    insertIfAbsent: async (userId, state) => replica.read(userId) ?? storeAgent(userId, toStored(state, clock)),
    setStatus: async (userId, status, ifVersions) => setStatus(replica, storeAgent, { userId, status, ifVersions }),
    async remove(userId) {
      if (!replica.read(userId)) return;
      const cursor = nextCursor();
      replica.apply(position, { cursor, removedUserId: userId, version: nextVersion(userId) });
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
