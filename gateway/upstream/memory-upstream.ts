import type { Upstream } from "./upstream.ts";

/** Upstream of a customer without a telephony system: the store itself is authoritative. */
export const memoryUpstream: Upstream = {
  allowsNewUsers: true,
  start() {},
  async stop() {},
  health: () => ({ staleSinceMs: undefined, failure: undefined }),
};
