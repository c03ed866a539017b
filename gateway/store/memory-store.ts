import { randomBytes } from "node:crypto";
import { type Clock, systemClock } from "../clock.ts";
import { type AgentState, isUnchanged, type Status, type StoredAgent } from "./agent.ts";
import { type AvailabilityStore, type CustomerStore, VersionMismatchError } from "./availability-store.ts";
import { toCursorText } from "./cursor.ts";
import { createReplica, emptyContents, type WritableReplica } from "./replica.ts";

export interface MemoryStoreOptions {
  /** @default the machine's */
  readonly clock?: Clock;
  /** How many changes of a customer a reader may miss and still be told each of them. @default 10000 */
  readonly historyLength?: number;
}

const HISTORY_LENGTH = 10_000;

/** An empty store that this process keeps in its memory. What it knows ends with the process; its versions grow all the same. */
export function createMemoryStore({
  clock = systemClock,
  historyLength = HISTORY_LENGTH,
}: MemoryStoreOptions = {}): AvailabilityStore {
  const customers = new Map<string, CustomerStore>();
  return {
    forCustomer(customerId) {
      const known = customers.get(customerId) ?? createCustomerStore(clock, historyLength);
      customers.set(customerId, known);
      return known;
    },
    isReady: () => true,
    async whenReady(signal) {
      signal.throwIfAborted();
    },
    // There is no other gateway that shares this memory.
    lease: async () => true,
    isLeased: async () => false,
    async close() {},
  };
}

function createCustomerStore(clock: Clock, historyLength: number): CustomerStore {
  // A restart forgets what was changed, so that no cursor of the process before it may be resumed from.
  const epoch = randomBytes(6).toString("hex");
  let position = 0;
  const replica = createReplica(
    emptyContents(epoch, () => position),
    historyLength,
  );

  // The time makes versions grow across a restart, which forgets the previous one.
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
