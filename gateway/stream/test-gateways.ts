/** Two gateways with the streams of one customer. */
import type { StoredAgent } from "../store/agent.ts";
import { createStreamHub, type StreamHubOptions } from "./stream-hub.ts";
import { agents, createSource, HEARTBEAT_MS } from "./test-follower.ts";

/** Two gateways serving one customer. The second keeps fewer changes and may receive them later. */
export function createGateways(count: number, options: StreamHubOptions) {
  const sources = [createSource(agents(count)), createSource(agents(count), 5)] as const;
  const hubs = sources.map(() => createStreamHub({ heartbeatMs: HEARTBEAT_MS, ...options }));
  const versions = new Map<number, number>();
  let late: (() => void)[] = [];
  let isLate = false;

  function nextVersion(userId: number): number {
    const version = (versions.get(userId) ?? 1) + 1;
    versions.set(userId, version);
    return version;
  }

  function applyToBoth(apply: (source: (typeof sources)[number]) => void): void {
    apply(sources[0]);
    if (isLate) late.push(() => apply(sources[1]));
    else apply(sources[1]);
  }

  function catchUp(): void {
    isLate = false;
    for (const apply of late) apply();
    late = [];
  }

  return {
    gateway(index: number) {
      const [hub, source] = [hubs[index % 2], sources[index % 2]];
      if (!hub || !source) throw new Error("There are two gateways");
      return { hub, replica: source.replica };
    },
    set(userId: number, status: StoredAgent["status"]) {
      const version = nextVersion(userId);
      applyToBoth((source) => source.set({ userId, status, version }));
    },
    remove(userId: number) {
      const version = nextVersion(userId);
      applyToBoth((source) => source.remove(userId, version));
    },
    /** Reloads the store as after an outage during which an agent has changed. */
    reset(userId: number) {
      catchUp();
      const version = nextVersion(userId);
      const known = [...sources[0].replica.agents()].filter((agent) => agent.userId !== userId);
      const changed: StoredAgent = { userId, status: "other", version, updatedAt: version };
      applyToBoth((source) => source.reset([...known, changed]));
    },
    /** Holds back changes from the second gateway until `catchUp`. */
    delay() {
      isLate = true;
    },
    catchUp,
    close() {
      for (const hub of hubs) hub.close();
    },
  };
}

/** Two gateways, as `createGateways` returns them. */
export type Gateways = ReturnType<typeof createGateways>;

/** More agents than fit into one piece of a snapshot, so that disconnects and changes hit the middle of a snapshot. */
export const MANY = 800;
