import * as v from "valibot";
import { SAME_WRAP_UP_TOLERANCE_MS } from "../agent.ts";
import type { FoundAgent } from "../availability-store.ts";
import type { ReadStart } from "../upstream-reads.ts";
import { Digits } from "./agent-record.ts";
import { type ChangeOptions, runChange } from "./change-run.ts";
import type { RedisSession } from "./redis-session.ts";

/** A read of an upstream. */
export interface FoundAgents {
  readonly customerId: string;
  readonly agents: readonly FoundAgent[];
  readonly readAt: ReadStart;
  /** Returns the latest version of an agent seen by the gateway, as for a change of the agent. */
  readonly knownVersion: (userId: number) => number;
}

const Recorded = v.tuple([v.literal("recorded"), Digits]);

/** Number of agents per script: those of a page. A script blocks Redis for about a millisecond. */
const AGENTS_AT_ONCE = 50;

/**
 * Sets the states that a read has found, unless a later read is recorded, and leaves out agents whose records cannot be
 * read. Resolves when the change stream has brought the changes.
 *
 * @throws {StoreUnavailableError} if Redis may not have kept some of the states.
 */
export async function recordAgents(found: FoundAgents, options: ChangeOptions): Promise<void> {
  for (let from = 0; from < found.agents.length; from += AGENTS_AT_ONCE) {
    const batch = { ...found, agents: found.agents.slice(from, from + AGENTS_AT_ONCE) };
    await runChange(
      {
        script: "record",
        toCall: (session, latest) => toCall(batch, session, latest),
        async settle(reply, { stream }, signal) {
          const [, position] = v.parse(Recorded, reply);
          await stream.waitFor(position, signal);
        },
      },
      options,
    );
  }
}

function toCall({ customerId, agents, readAt, knownVersion }: FoundAgents, session: RedisSession, latest: number) {
  const { stream, connection, historyLength } = session;
  const { keys } = connection;
  const context = [stream.epoch, latest, historyLength, customerId, SAME_WRAP_UP_TOLERANCE_MS, readAt];
  const states = agents.flatMap(({ userId, state: { status, wrapUp } }) => [
    userId,
    knownVersion(userId),
    status,
    wrapUp?.configuredSeconds ?? "",
    wrapUp?.leftSeconds ?? "",
  ]);
  const agentKeys = agents.map(({ userId }) => keys.agent(customerId, userId));
  return { keys: [keys.store, keys.changes, keys.members(customerId), ...agentKeys], values: [...context, ...states] };
}
