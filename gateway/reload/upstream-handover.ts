import type { Upstream } from "../upstream/upstream.ts";
import type { ReplaceableUpstream } from "./replaceable-upstream.ts";

/** Stops replaced upstreams, and starts their successors afterwards. */
export interface UpstreamHandover {
  /** Starts the customer's present upstream, after the former ones have stopped. */
  start(customerId: string): void;
  /** Retires a former upstream of the customer, and then starts the present one. */
  replace(customerId: string, former: ReplaceableUpstream): void;
  /** Stops the former upstreams at once, and starts no successor. */
  stop(): Promise<void>;
}

export interface UpstreamHandoverOptions {
  /** Returns the present upstream; `undefined` for a customer who has been removed. */
  readonly findPresent: (customerId: string) => Upstream | undefined;
  readonly onDefect: (customerId: string, error: unknown) => void;
}

/** Creates a handover without former upstreams. Upstreams of a customer never poll at the same time. */
export function createUpstreamHandover({ findPresent, onDefect }: UpstreamHandoverOptions): UpstreamHandover {
  const retirements = new Map<string, Promise<void>>();
  const retiring = new Set<ReplaceableUpstream>();
  let isStopped = false;

  function startPresent(customerId: string): void {
    if (!isStopped) findPresent(customerId)?.start();
  }

  return {
    start(customerId) {
      if (!retirements.has(customerId)) startPresent(customerId);
    },
    replace(customerId, former) {
      retiring.add(former);
      const retirement: Promise<void> = Promise.all([retirements.get(customerId), former.retire()])
        .catch((error: unknown) => onDefect(customerId, error))
        .then(() => {
          retiring.delete(former);
          // A later reload has replaced the successor as well.
          if (retirements.get(customerId) !== retirement) return;
          retirements.delete(customerId);
          startPresent(customerId);
        });
      retirements.set(customerId, retirement);
    },
    async stop() {
      isStopped = true;
      await Promise.all(Array.from(retiring, (upstream) => upstream.stop()));
      await Promise.all(retirements.values());
    },
  };
}
