import type { CustomerHealth, HealthSources } from "../metrics/health-sources.ts";

/** Checks of a gateway's readiness, which `/readyz` can exclude. */
export const CHECKS = ["store", "upstreams"] as const;
export type Check = (typeof CHECKS)[number];

/** Result of the readiness checks. */
export interface ReadinessReport {
  /** Failed checks. The gateway is ready if the list is empty. */
  readonly failing: readonly ("closing" | Check)[];
  readonly customers: readonly CustomerHealth[];
}

/** Decides if load balancers should send requests to this gateway. */
export interface Readiness {
  /** Runs the checks without the excluded checks. */
  check(excluded?: readonly Check[]): ReadinessReport;
  /** Makes the gateway unready for good, because it is about to close. */
  startClosing(): void;
}

export interface ReadinessOptions {
  readonly healthSources: Pick<HealthSources, "isStoreReady" | "customers">;
  /** Greatest age of a served availability, in seconds. */
  readonly staleLimitSeconds: number;
}

/** Creates the checks: the store is ready, and the data of every customer's upstream is within the age limit. */
export function createReadiness({ healthSources, staleLimitSeconds }: ReadinessOptions): Readiness {
  let isClosing = false;
  return {
    check(excluded = []) {
      const customers = [...healthSources.customers()];
      const holds = {
        closing: !isClosing,
        store: excluded.includes("store") || healthSources.isStoreReady(),
        upstreams:
          excluded.includes("upstreams") ||
          customers.every((customer) => {
            return customer.upstreamStaleSeconds <= Math.max(staleLimitSeconds, customer.minStaleLimitSeconds ?? 0);
          }),
      };
      return { failing: (["closing", ...CHECKS] as const).filter((name) => !holds[name]), customers };
    },
    startClosing() {
      isClosing = true;
    },
  };
}
