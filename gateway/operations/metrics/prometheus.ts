import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { HistorySize } from "../../store/change-history.ts";
import { VERSION } from "../../version.ts";

/** Health of a customer at the time of a scrape. */
export interface CustomerHealth {
  readonly customer: string;
  /** Age of the data that the gateway serves, in seconds: the older of the store's and the upstream's. 0 if up to date. */
  readonly staleSeconds: number;
  /** Age of the upstream's data, in seconds; 0 if up to date, infinite if never read. */
  readonly upstreamStaleSeconds: number;
  /** Requests that the upstream still accepts from the gateway in the current minute; absent without a limit. */
  readonly budgetLeft?: number | undefined;
  /** Age below which the upstream's data is never too old, in seconds; absent if the upstream has no list of agents. */
  readonly minStaleLimitSeconds?: number | undefined;
  /** Removals of agents held back since the start of the process; absent if the upstream has no list of agents. */
  readonly removalsHeldBack?: number | undefined;
  /** False if the customer's key set could not be fetched; absent before the first fetch and without a key set. */
  readonly isKeySetAvailable?: boolean | undefined;
}

/** Values to read at each scrape. */
export interface HealthSources {
  isStoreReady(): boolean;
  /** Size of the changes that the store keeps in this process's memory. */
  historySize(): HistorySize;
  customers(): Iterable<CustomerHealth>;
}

/** Upper bounds of the buckets in seconds, from a read of memory to the longest wait for a slow upstream. */
export const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Creates counters and histograms. */
export function createCounters(registry: Registry) {
  const shared = { registers: [registry] };
  return {
    limited: new Counter({
      name: "gateway_requests_limited_total",
      help: "Requests that were rejected with 429, by the limit that was exceeded.",
      labelNames: ["customer", "limit"],
      ...shared,
    }),
    fanOutLags: new Histogram({
      name: "gateway_stream_fan_out_lag_seconds",
      help: "Time from when the gateway received a change until it had written it to a stream.",
      buckets: DURATION_BUCKETS,
      ...shared,
    }),
    readersDropped: new Counter({
      name: "gateway_stream_readers_dropped_total",
      help: "Streams that were closed because their subscriber read too slowly.",
      labelNames: ["customer"],
      ...shared,
    }),
    connectionsRejected: new Counter({
      name: "gateway_connections_refused_total",
      help: "Connections that were closed at once, over MAX_CONNECTIONS.",
      ...shared,
    }),
    linesLost: new Counter({
      name: "gateway_log_lines_lost_total",
      help: "Lines of the log, or writes of several, that could not be written.",
      ...shared,
    }),
  };
}

const NO_HISTORY: HistorySize = { entries: 0, bytes: 0 };

/** Creates gauges, including the gauges that are read at each scrape. */
export function createGauges(registry: Registry) {
  const shared = { registers: [registry] };
  let sources: HealthSources = { isStoreReady: () => false, historySize: () => NO_HISTORY, customers: () => [] };
  // The value is always 1, as is usual for build information: queries join the label to other metrics.
  new Gauge({
    name: "gateway_build_info",
    help: "1, with the version of the gateway that runs.",
    labelNames: ["version"],
    ...shared,
  }).set({ version: VERSION }, 1);
  const streams = new Gauge({
    name: "gateway_streams_open",
    help: "Open streams.",
    labelNames: ["customer"],
    ...shared,
  });
  // A plain number, because every request changes it twice.
  let requestsInFlight = 0;
  const inFlight = {
    inc(): void {
      requestsInFlight += 1;
    },
    dec(): void {
      requestsInFlight -= 1;
    },
  };
  new Gauge({
    name: "gateway_requests_in_flight",
    help: "Requests in flight, streams included.",
    ...shared,
    collect() {
      this.set(requestsInFlight);
    },
  });
  const connections = new Gauge({ name: "gateway_connections_open", help: "Open connections.", ...shared });
  new Gauge({
    name: "gateway_store_ready",
    help: "1 while the store can be read and written.",
    ...shared,
    collect() {
      this.set(sources.isStoreReady() ? 1 : 0);
    },
  });
  new Gauge({
    name: "gateway_history_changes",
    help: "Changes of all customers that are kept for returning subscribers.",
    ...shared,
    collect() {
      this.set(sources.historySize().entries);
    },
  });
  new Gauge({
    name: "gateway_history_bytes",
    help: "Estimated memory of the changes that are kept for returning subscribers.",
    ...shared,
    collect() {
      this.set(sources.historySize().bytes);
    },
  });
  new Gauge({
    name: "gateway_stale_seconds",
    help: "Age of a customer's data while its upstream or the store is away; 0 while it is up to date.",
    labelNames: ["customer"],
    ...shared,
    collect() {
      for (const { customer, staleSeconds } of sources.customers()) this.set({ customer }, staleSeconds);
    },
  });
  new Gauge({
    name: "gateway_upstream_budget_left",
    help: "Requests that the upstream still accepts from the gateway in this minute.",
    labelNames: ["customer"],
    ...shared,
    collect() {
      for (const { customer, budgetLeft } of sources.customers()) {
        if (budgetLeft !== undefined) this.set({ customer }, budgetLeft);
      }
    },
  });
  new Gauge({
    name: "gateway_key_set_available",
    help: "0 if the last fetch of a customer's key set failed, 1 if it succeeded.",
    labelNames: ["customer"],
    ...shared,
    collect() {
      for (const { customer, isKeySetAvailable } of sources.customers()) {
        if (isKeySetAvailable !== undefined) this.set({ customer }, isKeySetAvailable ? 1 : 0);
      }
    },
  });
  new Counter({
    name: "gateway_upstream_removals_held_back_total",
    help: "Agents that were kept although the upstream no longer listed them, because the list lacked too many agents.",
    labelNames: ["customer"],
    ...shared,
    collect() {
      this.reset();
      for (const { customer, removalsHeldBack } of sources.customers()) {
        if (removalsHeldBack !== undefined) this.inc({ customer }, removalsHeldBack);
      }
    },
  });
  return {
    streams,
    inFlight,
    connections,
    watch(healthSources: HealthSources) {
      sources = healthSources;
    },
  };
}
