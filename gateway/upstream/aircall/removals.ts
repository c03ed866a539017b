import { UpstreamError, type UpstreamLog } from "../upstream.ts";
import type { AircallClient } from "./client.ts";
import type { Recorder } from "./recorder.ts";

/** Removes agents that the list no longer contains. */
export interface Removals {
  /**
   * Compares a whole list with the store. Agents missing from this gateway's last two lists are left for `checkNext`: a
   * list alone removes no agent.
   *
   * @throws {StoreUnavailableError}
   */
  compareList(listedIds: ReadonlySet<number>, signal: AbortSignal): Promise<void>;
  /** Marks an agent as missing, as if the last list had lacked the agent. */
  markMissing(userId: number): void;
  /** True if agents are left for `checkNext`. */
  hasUnchecked(): boolean;
  /**
   * Reads one of the agents missing from two lists. If the API does not know the agent, removes the agent.
   *
   * @throws {UpstreamError} if the API fails. The next call reads the next agent.
   * @throws {StoreUnavailableError} in the same way.
   */
  checkNext(signal: AbortSignal): Promise<void>;
  /** Number of agents held back since the start of the process, because a list lacked suspiciously many. */
  heldBackCount(): number;
}

export interface RemovalsOptions {
  readonly client: AircallClient;
  readonly recorder: Recorder;
  readonly log: UpstreamLog;
}

/** Fraction of a customer's agents that a list may lack before it is suspicious. */
const MAX_FRACTION = 1 / 5;

/** Number of agents of a small customer that a list may lack before it is suspicious, unless the list is empty. */
const MAX_UNSUSPICIOUS = 5;

export function createRemovals({ client, recorder, log }: RemovalsOptions): Removals {
  /**
   * Agents missing from the last whole list, which may be old if another gateway has polled since. Agents move between
   * pages during a list, and the same agent can do so in several lists: so a read of the agent decides.
   */
  let missing = new Set<number>();
  /** Agents to read before they are removed, in the order of the reads. */
  let unchecked = new Set<number>();
  /** Status of the last read of each agent that the list lacks, and that the API answers with another status than 404. */
  let kept = new Map<number, number>();
  /** Agents counted as held back, until a list has them again. */
  let heldBack = new Set<number>();
  let count = 0;
  let isSuspicious = false;

  /** Logs the first list of a series, and the first list afterwards. */
  function report(isSuspiciousNow: boolean, missingCount: number, knownCount: number): void {
    if (isSuspiciousNow === isSuspicious) return;
    isSuspicious = isSuspiciousNow;
    if (!isSuspicious) return log.line("The telephony system lists most agents again");
    log.warning(
      `The telephony system no longer lists ${missingCount} of ${knownCount} agents: the gateway keeps them, and removes an agent when a read of this agent has status 404`,
    );
  }

  /** Logs, once for each agent and status, that the API refuses to read an agent. */
  function reportRefusal(userId: number, status: number): void {
    if (kept.get(userId) === status) return;
    log.warning(
      `The telephony system no longer lists agent ${userId}, and answers a read of this agent with status ${status}: the gateway keeps the agent until the status is 404`,
    );
  }

  async function check(userId: number, signal: AbortSignal): Promise<void> {
    const readAt = await recorder.startRead();
    try {
      const availability = await client.read(userId, signal);
      await recorder.record([{ id: userId, availability }], readAt);
      kept.set(userId, 200);
    } catch (error) {
      const status = toRefusal(error);
      if (status === undefined) throw error;
      if (status === 404) {
        await recorder.remove(userId, readAt);
        kept.delete(userId);
      } else {
        reportRefusal(userId, status);
        kept.set(userId, status);
      }
    }
  }

  return {
    async compareList(listedIds, signal) {
      const known = await recorder.knownUserIds(signal);
      const absent = known.filter((id) => !listedIds.has(id));
      const twice = absent.filter((id) => missing.has(id));
      missing = new Set(absent);
      kept = new Map([...kept].filter(([id]) => missing.has(id)));
      const isTooMany = twice.length > Math.max(MAX_UNSUSPICIOUS, known.length * MAX_FRACTION);
      const isEmpty = listedIds.size === 0 && twice.length > 0;
      report(isTooMany || isEmpty, twice.length, known.length);
      const held = twice.filter((id) => isSuspicious || heldBack.has(id));
      count += held.filter((id) => !heldBack.has(id)).length;
      heldBack = new Set(held);
      // Read new agents first, and agents that were kept last.
      const added = twice.filter((id) => !unchecked.has(id) && !kept.has(id));
      const inTwice = new Set(twice);
      unchecked = new Set([...added, ...unchecked, ...kept.keys()].filter((id) => inTwice.has(id)));
    },
    markMissing: (userId) => void missing.add(userId),
    hasUnchecked: () => unchecked.size > 0,
    async checkNext(signal) {
      const [userId] = unchecked;
      if (userId === undefined) return;
      unchecked.delete(userId);
      try {
        await check(userId, signal);
      } catch (error) {
        unchecked.add(userId);
        throw error;
      }
    },
    heldBackCount: () => count,
  };
}

/** Returns the status of a refused read of an agent; `undefined` if the error says more than that of the API. */
function toRefusal(error: unknown): number | undefined {
  if (!(error instanceof UpstreamError) || error.status === undefined) return undefined;
  return error.status < 500 && error.status !== 429 ? error.status : undefined;
}
