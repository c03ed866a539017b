import type { CachedManyReading } from "../availability-service.ts";
import { type StoredAgent, toAvailability } from "../store/agent.ts";
import { createAgentCache } from "./agent-cache.ts";
import { describeMissingUser } from "./routes/availabilities.ts";

/** An agent's part of a list, as members of JSON objects. */
interface AgentText {
  readonly availability: string;
  readonly updatedAt: string;
}

/** Maximum number of cached texts, about 5 MiB. */
const MAX_ENTRIES = 20_000;

/**
 * Creates a formatter of lists as JSON, in ASCII. It joins texts that it caches until the agent changes: formatting five
 * hundred agents takes several times as long as the rest of the response. A text with a running wrap-up time, or with an
 * age, is not cached.
 */
export function createListFormatter(): (reading: CachedManyReading) => string {
  const cache = createAgentCache<AgentText>(MAX_ENTRIES);

  function format(agent: StoredAgent, { ageSeconds, validAtMs }: CachedManyReading): AgentText {
    const availability = toAvailability(agent, validAtMs);
    const text = {
      availability: toMember(agent.userId, availability),
      updatedAt: toMember(agent.userId, agent.updatedAt),
    };
    if (ageSeconds === 0 && !availability.wrapUpTimeTtl) cache.set(agent, text);
    return text;
  }

  return (reading) => {
    const { agents, missing, cursor, ageSeconds } = reading;
    const availabilities: string[] = [];
    const updatedAt: string[] = [];
    for (const agent of agents) {
      const text = (ageSeconds === 0 ? cache.get(agent) : undefined) ?? format(agent, reading);
      availabilities.push(text.availability);
      updatedAt.push(text.updatedAt);
    }
    const errors = missing.map((userId) => toMember(userId, describeMissingUser(userId)));
    return `{"availabilities":{${availabilities.join()}},"errors":{${errors.join()}},"updatedAt":{${updatedAt.join()}},"cursor":${JSON.stringify(cursor)}}`;
  };
}

/** Formats a member of a JSON object. */
function toMember(userId: number, value: unknown): string {
  return `"${userId}":${JSON.stringify(value)}`;
}
