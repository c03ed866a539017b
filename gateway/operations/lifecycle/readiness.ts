import { type Clock, systemClock } from "../../clock.ts";
import type { CustomerHealth, HealthSources } from "../metrics/health-sources.ts";

/** Checks of a gateway's readiness, which `/readyz` can include and exclude. */
export const CHECKS = ["store", "upstreams"] as const;
export type Check = (typeof CHECKS)[number];

/**
 * Checks of a load balancer. The upstreams are not among them: the outage of one customer's upstream would take every gateway
 * away from all other customers.
 */
export const DEFAULT_CHECKS: readonly Check[] = ["store"];

/**
 * A failed check; `closing` if the gateway is about to stop, and `starting` if no check has found the store ready so far: such a
 * gateway has nothing to serve reads from, so it is unready also without the check of the store.
 */
export type FailedCheck = "closing" | "starting" | Check;

/** Result of all readiness checks, with the health of each customer. */
export interface ReadinessReport {
  /** Failed checks. The list is empty if all checks succeed. */
  readonly failing: readonly FailedCheck[];
  readonly customers: readonly CustomerHealth[];
}

/** Decides if load balancers should send requests to this gateway. */
export interface Readiness {
  /** Runs the checks and returns the failed checks. @default `DEFAULT_CHECKS` */
  check(checks?: readonly Check[]): readonly FailedCheck[];
  /** Runs all checks. The health of the customers is at most a second old. */
  report(): ReadinessReport;
  /** Makes the gateway unready for good, because it is about to close. */
  startClosing(): void;
}

export interface ReadinessOptions {
  readonly healthSources: Pick<HealthSources, "isStoreReady" | "customers">;
  /** Greatest age of a served availability, in seconds. */
  readonly staleLimitSeconds: number;
  readonly clock?: Pick<Clock, "monotonicMs">;
}

/**
 * Time for which the health of the customers is kept, in milliseconds. Reading it takes time for each customer, and anybody who
 * reaches the gateway may call `/readyz`.
 */
const HEALTH_AGE_MS = 1000;

/** Creates the checks: the store is ready, and the data of every customer's upstream is within the age limit. */
export function createReadiness(options: ReadinessOptions): Readiness {
  const { healthSources, staleLimitSeconds, clock = systemClock } = options;
  let isClosing = false;
  let wasStoreReady = false;
  const customers = createHealthCache(healthSources, clock);
  const isStoreReady = (): boolean => {
    const isReady = healthSources.isStoreReady();
    wasStoreReady ||= isReady;
    return isReady;
  };
  const isRecent = (customer: CustomerHealth): boolean =>
    customer.upstreamStaleSeconds <= Math.max(staleLimitSeconds, customer.minStaleLimitSeconds ?? 0);
  const holds: Readonly<Record<Check, () => boolean>> = {
    store: isStoreReady,
    upstreams: () => customers().every(isRecent),
  };
  const check = (checks: readonly Check[] = DEFAULT_CHECKS): readonly FailedCheck[] => {
    const failing: FailedCheck[] = CHECKS.filter((name) => checks.includes(name) && !holds[name]());
    if (!checks.includes("store") && !isStoreReady() && !wasStoreReady) failing.unshift("starting");
    return isClosing ? ["closing", ...failing] : failing;
  };
  return {
    check,
    report: () => ({ failing: check(CHECKS), customers: customers() }),
    startClosing() {
      isClosing = true;
    },
  };
}

/** Returns a function that reads the health of the customers at most once in `HEALTH_AGE_MS`. */
function createHealthCache(
  healthSources: Pick<HealthSources, "customers">,
  clock: Pick<Clock, "monotonicMs">,
): () => readonly CustomerHealth[] {
  let health: readonly CustomerHealth[] = [];
  let readAtMs = Number.NEGATIVE_INFINITY;
  return () => {
    const nowMs = clock.monotonicMs();
    if (nowMs - readAtMs >= HEALTH_AGE_MS) {
      health = [...healthSources.customers()];
      readAtMs = nowMs;
    }
    return health;
  };
}
