import type { StoredAgent } from "../store/agent.ts";

/** Values that are derived from agents, by the agent's object, of which there is another one for each version. */
export interface AgentCache<Value> {
  get(agent: StoredAgent): Value | undefined;
  set(agent: StoredAgent, value: Value): void;
}

/** Creates a cache for at most `maxEntries` agents. It keeps no agent in memory. */
export function createAgentCache<Value>(maxEntries: number): AgentCache<Value> {
  let cache = new WeakMap<StoredAgent, Value>();
  let count = 0;
  return {
    get: (agent) => cache.get(agent),
    set(agent, value) {
      // Clear the whole cache: an agent in use is soon cached again.
      if (count === maxEntries) {
        cache = new WeakMap();
        count = 0;
      }
      cache.set(agent, value);
      count += 1;
    },
  };
}
