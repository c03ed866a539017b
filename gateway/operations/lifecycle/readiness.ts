import type { CustomerHealth, HealthSources } from "../metrics/prometheus.ts";

/** What a gateway needs to be ready, and `/readyz` can be told to leave out. */
export const CHECKS = ["store", "upstreams"] as const;
export type Check = (typeof CHECKS)[number];

/** Whether a gateway is ready, and why not. */
export interface ReadinessReport {
  /** What is not as it should be. The gateway is ready where this is empty. */
  readonly failing: readonly ("closing" | Check)[];
  readonly customers: readonly CustomerHealth[];
}

/** Whether requests should be sent to this gateway. */
export interface Readiness {
  /** How it stands now, `excluded` aside. */
  check(excluded?: readonly Check[]): ReadinessReport;
  /** Makes it unready for good: it is about to close. */
  startClosing(): void;
}

export interface ReadinessOptions {
  readonly standings: HealthSources;
  /** How old what is served may be, in seconds. */
  readonly staleLimitSeconds: number;
}

/** Ready while the store is, and every customer's upstream has been read within the limit. */
export function createReadiness({ standings, staleLimitSeconds }: ReadinessOptions): Readiness {
  let isClosing = false;
  return {
    check(excluded = []) {
      const customers = [...standings.customers()];
      const holds = {
        closing: !isClosing,
        store: excluded.includes("store") || standings.isStoreReady(),
        upstreams:
          excluded.includes("upstreams") || customers.every(({ staleSeconds }) => staleSeconds <= staleLimitSeconds),
      };
      return { failing: (["closing", ...CHECKS] as const).filter((name) => !holds[name]), customers };
    },
    startClosing() {
      isClosing = true;
    },
  };
}
