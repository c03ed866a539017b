import type { Upstream, UpstreamHealth } from "../upstream/upstream.ts";

/** Upstream of a running gateway, replaceable by a reload. */
export interface ReplaceableUpstream extends Upstream {
  /** Stops the upstream once no change is in flight, or after some time. */
  retire(): Promise<void>;
}

/** Longest time that changes in flight may take before a retired upstream aborts them, in milliseconds. */
const MAX_RETIREMENT_MS = 30_000;

/**
 * Makes an upstream replaceable without aborting changes in flight.
 *
 * @param previous the former upstream of the same kind. Its health counts until the new upstream has read a list:
 *   otherwise reads would be rejected in between.
 */
export function createReplaceableUpstream(
  upstream: Upstream,
  previous?: Upstream,
  maxRetirementMs = MAX_RETIREMENT_MS,
): ReplaceableUpstream {
  const pending = new Set<Promise<unknown>>();
  let inherited = previous;
  const setStatus: Upstream["setStatus"] = upstream.setStatus && ((change, scope) => track(change, scope));

  function track(...request: Parameters<NonNullable<Upstream["setStatus"]>>) {
    const changed = upstream.setStatus?.(...request) ?? Promise.resolve(undefined);
    const settled: Promise<void> = changed
      .then(
        () => {},
        () => {},
      )
      .finally(() => pending.delete(settled));
    pending.add(settled);
    return changed;
  }

  return {
    ...upstream,
    ...(setStatus && { setStatus }),
    health() {
      const own = upstream.health();
      if (own.staleSinceMs !== -Infinity) inherited = undefined;
      return inherited ? inheritHealth(own, inherited.health()) : own;
    },
    async retire() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, maxRetirementMs);
      });
      await Promise.race([Promise.all(pending), late]);
      clearTimeout(timer);
      await upstream.stop();
    },
  };
}

/** Returns the health of an upstream that has not read a list, with what its predecessor knows of the list. */
function inheritHealth(own: UpstreamHealth, previous: UpstreamHealth): UpstreamHealth {
  return {
    ...own,
    staleSinceMs: previous.staleSinceMs,
    minStaleLimitSeconds: Math.max(own.minStaleLimitSeconds ?? 0, previous.minStaleLimitSeconds ?? 0),
    failure: own.failure ?? previous.failure,
  };
}
