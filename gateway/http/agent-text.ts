import type { CachedManyReading } from "../availability-service.ts";
import { type StoredAgent, toAvailability } from "../store/agent.ts";
import { createAgentCache } from "./agent-cache.ts";

/** An agent's part of a list, as members of JSON objects, in ASCII. */
export interface AgentText {
  readonly availability: string;
  readonly updatedAt: string;
  /** True if the text has a running wrap-up time, so that it is right for a second. */
  readonly hasRunningTime: boolean;
}

/** Texts of agents, each cached until the agent changes. A text with a running wrap-up time, or with an age, is not cached. */
export interface AgentTexts {
  /** Returns the cached text for a reading; `undefined` if the agent must be formatted. */
  getCached(agent: StoredAgent, reading: ReadingTime): AgentText | undefined;
  format(agent: StoredAgent, reading: ReadingTime): AgentText;
}

/** Time for which a reading is valid. */
type ReadingTime = Pick<CachedManyReading, "ageSeconds" | "validAtMs">;

/** Creates texts without a cached one. */
export function createAgentTexts(maxEntries: number): AgentTexts {
  const cache = createAgentCache<AgentText>(maxEntries);
  return {
    getCached: (agent, { ageSeconds }) => (ageSeconds === 0 ? cache.get(agent) : undefined),
    format(agent, { ageSeconds, validAtMs }) {
      const availability = toAvailability(agent, validAtMs);
      const hasRunningTime = Boolean(availability.wrapUpTimeTtl);
      const text = {
        availability: toMember(agent.userId, availability),
        updatedAt: toMember(agent.userId, agent.updatedAt),
        hasRunningTime,
      };
      if (ageSeconds === 0 && !hasRunningTime) cache.set(agent, text);
      return text;
    },
  };
}

/** Formats a member of a JSON object. */
export function toMember(userId: number, value: unknown): string {
  return `"${userId}":${JSON.stringify(value)}`;
}
