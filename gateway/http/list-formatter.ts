import type { CachedManyReading } from "../availability-service.ts";
import { createAgentTexts, toMember } from "./agent-text.ts";
import { describeMissingUser } from "./routes/availabilities.ts";

/** Maximum number of cached texts, about 5 MiB. */
const MAX_ENTRIES = 20_000;

/**
 * Creates a formatter of lists as JSON, in ASCII. It joins texts that it caches until the agent changes: formatting five
 * hundred agents takes several times as long as the rest of the response.
 */
export function createListFormatter(): (reading: CachedManyReading) => string {
  const texts = createAgentTexts(MAX_ENTRIES);
  return (reading) => {
    const { agents, missing, cursor } = reading;
    const availabilities: string[] = [];
    const updatedAt: string[] = [];
    for (const agent of agents) {
      const text = texts.getCached(agent, reading) ?? texts.format(agent, reading);
      availabilities.push(text.availability);
      updatedAt.push(text.updatedAt);
    }
    const errors = missing.map((userId) => toMember(userId, describeMissingUser(userId)));
    return `{"availabilities":{${availabilities.join()}},"errors":{${errors.join()}},"updatedAt":{${updatedAt.join()}},"cursor":${JSON.stringify(cursor)}}`;
  };
}
