import type { Upstream } from "./upstream.ts";

/** The upstream of a customer who has none: what is written into the store is the truth, and nobody else need hear of it. */
export const memoryUpstream: Upstream = {
  allowsNewUsers: true,
  start() {},
  async stop() {},
  health: () => ({ staleSinceMs: undefined, failure: undefined }),
  async setStatus() {},
  scheduleRefresh() {},
};
