import type { ReadStart } from "../../store/availability-store.ts";
import { UpstreamError, type UpstreamLog } from "../upstream.ts";
import type { AircallClient } from "./client.ts";
import type { Recorder } from "./recorder.ts";

/** Removes agents that the list no longer contains. */
export interface Removals {
  /**
   * Compares a whole list, whose read began at `readAt`, with the store. Removes the agents missing from two lists in a
   * row, or holds them back if they are suspiciously many.
   *
   * @throws {StoreUnavailableError}
   */
  compareList(listedIds: ReadonlySet<number>, readAt: ReadStart, signal: AbortSignal): Promise<void>;
  /** Marks an agent as missing, as if the last list had lacked the agent. */
  markMissing(userId: number): void;
  /** True if agents are held back. */
  hasHeldBack(): boolean;
  /**
   * Reads one of the agents held back. If the API does not know the agent, removes the agent.
   *
   * @throws {UpstreamError} if the agent cannot be read. The next call reads the next agent.
   */
  checkNext(signal: AbortSignal): Promise<void>;
  /** Number of agents held back since the start of the process. */
  heldBackCount(): number;
}

export interface RemovalsOptions {
  readonly client: AircallClient;
  readonly recorder: Recorder;
  readonly log: UpstreamLog;
}

/** Fraction of a customer's agents that a list may remove without a check. */
const MAX_FRACTION = 1 / 5;

/** Number of agents that a list may remove without a check from a small customer, unless the list is empty. */
const MAX_UNCHECKED = 5;

export function createRemovals({ client, recorder, log }: RemovalsOptions): Removals {
  /** Agents missing from the last whole list. Agents move between pages during a read, so missing once means little. */
  let missing = new Set<number>();
  /** Agents to read before they are removed, in the order of the reads. */
  let heldBack = new Set<number>();
  /** Agents that the API has although the list lacks them. A list alone does not remove such an agent. */
  const found = new Set<number>();
  let count = 0;
  let isSuspicious = false;

  function holdBack(userIds: readonly number[]): void {
    const before = heldBack;
    // Read the agents found earlier last.
    const inOrder = [...before, ...userIds.filter((id) => !found.has(id)), ...found];
    const held = new Set(userIds);
    heldBack = new Set(inOrder.filter((id) => held.has(id)));
    for (const id of userIds) if (!before.has(id) && !found.has(id)) count += 1;
  }

  /** Logs the first list of a series, and the first list afterwards. */
  function report(isSuspiciousNow: boolean, missingCount: number, knownCount: number): void {
    if (isSuspiciousNow === isSuspicious) return;
    isSuspicious = isSuspiciousNow;
    if (!isSuspicious) return log.line("The telephony system lists most agents again");
    log.warning(
      `The telephony system no longer lists ${missingCount} of ${knownCount} agents: the gateway keeps them, and removes an agent when a read of this agent has status 404`,
    );
  }

  async function findAgent(userId: number, signal: AbortSignal): Promise<void> {
    const readAt = await recorder.startRead();
    try {
      const availability = await client.read(userId, signal);
      await recorder.record([{ id: userId, availability }], readAt);
      found.add(userId);
    } catch (error) {
      if (!(error instanceof UpstreamError) || error.status !== 404) throw error;
      await recorder.remove(userId, readAt);
      found.delete(userId);
    }
  }

  return {
    async compareList(listedIds, readAt, signal) {
      const known = await recorder.knownUserIds(signal);
      const absent = known.filter((id) => !listedIds.has(id));
      const twice = absent.filter((id) => missing.has(id));
      missing = new Set(absent);
      for (const id of found) if (!missing.has(id)) found.delete(id);
      const isTooMany = twice.length > Math.max(MAX_UNCHECKED, known.length * MAX_FRACTION);
      const isEmpty = listedIds.size === 0 && twice.length > 0;
      report(isTooMany || isEmpty, twice.length, known.length);
      const isHeld = (id: number) => isSuspicious || heldBack.has(id) || found.has(id);
      for (const id of twice) if (!isHeld(id)) await recorder.remove(id, readAt);
      holdBack(twice.filter(isHeld));
    },
    markMissing: (userId) => void missing.add(userId),
    hasHeldBack: () => heldBack.size > 0,
    async checkNext(signal) {
      const [userId] = heldBack;
      if (userId === undefined) return;
      heldBack.delete(userId);
      try {
        await findAgent(userId, signal);
      } catch (error) {
        heldBack.add(userId);
        throw error;
      }
    },
    heldBackCount: () => count,
  };
}
