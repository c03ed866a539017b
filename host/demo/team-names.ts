/** Names of the gateway's sample agents, at Harrowmere Lifts. */

const NAMES: ReadonlyMap<number, string> = new Map([
  [101, "Bram Ashdown"],
  [102, "Chidi Okafor"],
  [103, "Dorota Lis"],
  [104, "Eero Halla"],
  [105, "Farah Nazari"],
  [106, "Gil Santoro"],
  [107, "Hana Ueda"],
  [108, "Ines Duarte"],
  [109, "Jonas Brekke"],
  [110, "Kwame Boateng"],
  [123, "Idris Kallay"],
  [124, "Lena Vogt"],
  [3000, "Mo Tanaka"],
]);

/** Ids of the agents. */
export const TEAM_IDS: readonly number[] = [...NAMES.keys()];

/** Returns an agent's name, or `Agent` and the id if the page has no name. */
export function agentNameOf(userId: number): string {
  return NAMES.get(userId) ?? `Agent ${userId}`;
}
