import { Counter, Gauge, type Registry } from "prom-client";
import { VERSION } from "../../version.ts";
import { type Combine, combineByLabel, type ToCustomerLabel } from "./customer-label.ts";
import { type CustomerHealth, type HealthSources, NO_SOURCES } from "./health-sources.ts";

/** Gauge that a metric's owner counts up and down. */
export interface OpenCount {
  inc(): void;
  dec(): void;
}

/** Gauges of open things, and those that are read at each scrape. */
export interface Gauges {
  readonly inFlight: OpenCount;
  readonly connections: OpenCount;
  streams(customerLabel: string): OpenCount;
  /** Sets the sources of the values to read at each scrape. */
  watch(sources: HealthSources): void;
  /** Reads the health of the customers, which takes a while with thousands of them, once for all gauges of a scrape. */
  prepareScrape(): void;
}

const sum: Combine = (one, other) => one + other;

/** Creates gauges, including the gauges that are read at each scrape. */
export function createGauges(registry: Registry, toLabel: ToCustomerLabel): Gauges {
  const registers = [registry];
  let sources: HealthSources = NO_SOURCES;
  let customers: readonly CustomerHealth[] = [];

  function gauge(name: string, help: string, read: () => number): void {
    new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  }

  function gaugeByCustomer(
    name: string,
    help: string,
    value: { readonly valueOf: (health: CustomerHealth) => number | undefined; readonly combine: Combine },
  ): void {
    new Gauge({
      name,
      help,
      labelNames: ["customer"],
      registers,
      collect() {
        this.reset();
        for (const [customer, number] of combineByLabel(customers, toLabel, value)) this.set({ customer }, number);
      },
    });
  }

  // The value is always 1, as is usual for build information: queries join the label to other metrics.
  new Gauge({
    name: "gateway_build_info",
    help: "1, with the version of the gateway that runs.",
    labelNames: ["version"],
    registers,
  }).set({ version: VERSION }, 1);
  const streams = new Gauge({
    name: "gateway_streams_open",
    help: "Open streams.",
    labelNames: ["customer"],
    registers,
  });
  // A plain number, because every request changes it twice.
  let requestsInFlight = 0;
  const inFlight: OpenCount = {
    inc() {
      requestsInFlight += 1;
    },
    dec() {
      requestsInFlight -= 1;
    },
  };
  gauge("gateway_requests_in_flight", "Requests in flight, streams included.", () => requestsInFlight);
  const connections = new Gauge({ name: "gateway_connections_open", help: "Open connections.", registers });
  gauge("gateway_store_ready", "1 while the store can be read and written.", () => (sources.isStoreReady() ? 1 : 0));
  gauge(
    "gateway_history_changes",
    "Changes of all customers that are kept for returning subscribers.",
    () => sources.historySize().entries,
  );
  gauge(
    "gateway_history_bytes",
    "Estimated memory of the changes that are kept for returning subscribers.",
    () => sources.historySize().bytes,
  );
  gauge(
    "gateway_loaded_customers",
    "Customers whose agents are in the memory of this process.",
    () => sources.replicaSize().customers,
  );
  gauge("gateway_loaded_agents", "Agents in the memory of this process.", () => sources.replicaSize().agents);
  gauge(
    "gateway_removed_agents",
    "Removed agents whose last version is kept in the memory of this process.",
    () => sources.replicaSize().removedAgents,
  );
  gauge(
    "gateway_polled_customers",
    "Customers whose telephony system this gateway polls, and no other one.",
    () => customers.filter(({ isPolling }) => isPolling).length,
  );
  gaugeByCustomer(
    "gateway_stale_seconds",
    "Age of a customer's data while its upstream or the store is away; 0 while it is up to date.",
    { valueOf: ({ staleSeconds }) => staleSeconds, combine: Math.max },
  );
  gaugeByCustomer(
    "gateway_upstream_budget_left",
    "Requests that the upstream still accepts from the gateway in this minute.",
    { valueOf: ({ budgetLeft }) => budgetLeft, combine: Math.min },
  );
  gaugeByCustomer(
    "gateway_key_set_available",
    "0 if the last fetch of a customer's key set failed, 1 if it succeeded.",
    { valueOf: ({ isKeySetAvailable }) => toNumber(isKeySetAvailable), combine: Math.min },
  );
  new Counter({
    name: "gateway_upstream_removals_held_back_total",
    help: "Agents that were kept although the upstream no longer listed them, because the list lacked too many agents.",
    labelNames: ["customer"],
    registers,
    collect() {
      this.reset();
      const value = { valueOf: ({ removalsHeldBack }: CustomerHealth) => removalsHeldBack, combine: sum };
      for (const [customer, count] of combineByLabel(customers, toLabel, value)) this.inc({ customer }, count);
    },
  });
  return {
    inFlight,
    connections,
    streams: (customer) => streams.labels({ customer }),
    watch(healthSources) {
      sources = healthSources;
    },
    prepareScrape() {
      customers = [...sources.customers()];
    },
  };
}

function toNumber(flag: boolean | undefined): number | undefined {
  return flag === undefined ? undefined : Number(flag);
}
