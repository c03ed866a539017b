import * as v from "valibot";
import type { StoredAgent } from "../agent.ts";
import { type StoreLog, StoreUnavailableError } from "../availability-store.ts";
import type { ReplicaContents, WritableReplica } from "../replica.ts";
import { AgentRow, Digits, toRemovedRow, toRow, toStoredAgent } from "./agent-record.ts";
import type { ChangeStream } from "./change-stream.ts";
import type { RedisConnection } from "./connection.ts";

/** Access to a customer's agents in Redis. */
export interface SnapshotSource {
  readonly connection: RedisConnection;
  readonly stream: ChangeStream;
  /** Number of changes of all customers to keep in Redis. */
  readonly historyLength: number;
  readonly monotonicMs: () => number;
  readonly log: StoreLog;
}

/** Number of agents per script. A script blocks Redis for one to two milliseconds at most. */
const AGENTS_AT_ONCE = 250;

/** Number of attempts to load a customer whose changes are discarded meanwhile. */
const LOAD_ATTEMPTS = 3;

const Members = v.tuple([v.string(), Digits, v.array(v.string()), Digits]);
/** Unreadable row with a readable user id. */
const NamedRow = v.looseTuple([Digits]);

const Agents = v.tuple([v.string(), Digits, v.array(v.unknown())]);

/**
 * Loads a customer's agents from Redis. Calls `onLoaded` when the change stream has reached the position of the loaded
 * agents; the caller subscribes to the stream from there.
 *
 * Other gateways may write between two batches of the load. The change stream contains their writes. The higher version
 * of each agent counts, so the result is the state at one position of the stream.
 *
 * @throws {StoreUnavailableError} if the connection to Redis breaks meanwhile.
 */
export async function loadCustomer(
  customerId: string,
  source: SnapshotSource,
  onLoaded: (contents: ReplicaContents) => void,
): Promise<void> {
  for (let attempt = 1; attempt <= LOAD_ATTEMPTS; attempt += 1) {
    if (await tryLoadCustomer(customerId, source, onLoaded)) return;
  }
  throw new StoreUnavailableError("While the customer was loaded, more changes were made than Redis keeps");
}

/** Resolves with false if changes since the beginning of the load were discarded, as by an erasure. */
async function tryLoadCustomer(
  customerId: string,
  source: SnapshotSource,
  onLoaded: (contents: ReplicaContents) => void,
): Promise<boolean> {
  const { connection, stream } = source;
  const { keys } = connection;
  const members = await connection.run("members", [keys.store, keys.members(customerId)], [customerId]);
  const [epoch, from, userIds, lastChange] = v.parse(Members, members);
  assertEpoch(source, epoch);
  const loaded = createContents();
  let to = from;
  for (const ids of pagesOf(userIds, AGENTS_AT_ONCE)) {
    const agentKeys = ids.map((userId) => keys.agent(customerId, userId));
    const reply = await connection.run("agents", [keys.store, ...agentKeys], ids);
    const [epochThen, position, rows] = v.parse(Agents, reply);
    assertEpoch(source, epochThen);
    to = position;
    for (const row of rows) mergeRow(loaded, row, source);
  }
  await stream.waitFor(to, connection.signal);
  connection.signal.throwIfAborted();
  // No `await` may follow here, or a change would be lost.
  const history = stream.historyOf(customerId);
  const changes = history.since(from);
  if (!changes) return false;
  for (const { change } of changes) {
    if ("agent" in change) loaded.merge(change.agent.userId, change.agent.version, change.agent);
    else loaded.merge(change.removedUserId, change.version, undefined);
  }
  const unreadable = loaded.unreadable.size;
  if (unreadable > 0) {
    const count = unreadable === 1 ? "1 agent" : `${unreadable} agents`;
    source.log.warning(`Customer ${customerId}: ${count} in Redis cannot be read by this version of the gateway`);
  }
  const lastChangePosition = changes.at(-1)?.position ?? lastChange;
  onLoaded({ ...loaded, epoch: stream.epoch, position: stream.position, lastChangePosition, history });
  return true;
}

/**
 * Restores a customer's agents in Redis if lost there, or present with a lower version than in the replica.
 *
 * @throws {StoreUnavailableError} if the connection to Redis breaks meanwhile, or if Redis rejects the write.
 */
export async function restoreCustomer(
  customerId: string,
  replica: Pick<WritableReplica, "agents" | "removed">,
  { connection, historyLength }: SnapshotSource,
): Promise<void> {
  const current = [...replica.agents()].map((agent) => toRow(agent, connection.clock));
  const removed = [...replica.removed()].map(([userId, version]) => toRemovedRow(userId, version));
  const { keys } = connection;
  for (const rows of pagesOf([...current, ...removed], AGENTS_AT_ONCE)) {
    const agentKeys = rows.map(([userId = ""]) => keys.agent(customerId, userId));
    const values = [String(historyLength), customerId, ...rows.flat()];
    const ownKeys = [keys.store, keys.changes, keys.members(customerId), keys.erased(customerId)];
    await connection.run("restore", [...ownKeys, ...agentKeys], values);
  }
}

function createContents() {
  const agents = new Map<number, StoredAgent>();
  const removed = new Map<number, number>();
  const unreadable = new Set<number>();
  return {
    agents: { [Symbol.iterator]: () => agents.values() },
    removed,
    unreadable,
    /** Keeps the higher of two versions. */
    merge(userId: number, version: number, agent: StoredAgent | undefined): void {
      if (version <= (agents.get(userId)?.version ?? removed.get(userId) ?? 0)) return;
      agents.delete(userId);
      removed.delete(userId);
      unreadable.delete(userId);
      if (agent) agents.set(userId, agent);
      else removed.set(userId, version);
    },
  };
}

function mergeRow(loaded: ReturnType<typeof createContents>, row: unknown, source: SnapshotSource): void {
  const read = v.safeParse(AgentRow, row);
  if (!read.success) {
    // A name other than a user id cannot be requested and needs no mark.
    const named = v.safeParse(NamedRow, row);
    if (named.success) loaded.unreadable.add(named.output[0]);
    return;
  }
  const { userId, version } = read.output;
  loaded.merge(userId, version, toStoredAgent(read.output, source.connection.clock, source.monotonicMs()));
}

function assertEpoch({ connection, stream }: SnapshotSource, epoch: string): void {
  if (epoch === stream.epoch) return;
  connection.close(new StoreUnavailableError("Redis has started a new epoch"));
  connection.signal.throwIfAborted();
}

function* pagesOf<Item>(items: readonly Item[], size: number): Generator<readonly Item[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}
