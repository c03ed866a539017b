import { collectDefaultMetrics, Registry } from "prom-client";
import { createCounters, createGauges, DURATION_BUCKETS, type HealthSources } from "./prometheus.ts";
import { createRequestCounts, type RequestMeasure } from "./request-counts.ts";

/** Which limit a request was refused by. */
export type Limit = "token" | "customer" | "streams_per_token" | "streams";

/** What the gateway counts of itself, for a Prometheus server to collect. */
export interface Metrics {
  /** Counts a request as being answered until the function that it returns is called. */
  onRequestBegun(): () => void;
  onRequest(measure: RequestMeasure): void;
  onLimited(customer: string, limit: Limit): void;
  /** Counts a stream until the function that it returns is called. */
  onStream(customer: string): () => void;
  /** A change reached a stream's reader this long after the gateway had learnt of it, in milliseconds. */
  onFanOut(lagMs: number): void;
  /** A stream's reader was too slow to be kept. */
  onSubscriberDropped(customer: string): void;
  /** Counts a connection until the function that it returns is called. */
  onConnection(): () => void;
  /** A connection was closed as it came, since there were too many. */
  onConnectionRefused(): void;
  /** A line of the log could not be written. */
  onLineLost(): void;
  /** Names where to look for what is not counted but read. */
  watch(standings: HealthSources): void;
  /** Everything in Prometheus's text format. */
  read(): Promise<{ readonly body: string; readonly contentType: string }>;
}

/** A sample wakes the process, which by default it does a hundred times a second. */
const LAG_SAMPLED_EVERY_MS = 50;

/** Nothing counted yet. Counts this process's memory, processor and event loop as well where `process` says so. */
export function createMetrics(options: { readonly process?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.process)
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_SAMPLED_EVERY_MS });
  const counters = createCounters(registry);
  const gauges = createGauges(registry);
  const requests = createRequestCounts(registry, DURATION_BUCKETS);

  return {
    onRequestBegun: () => openIn(gauges.inFlight),
    onRequest: requests.count,
    onLimited: (customer, limit) => counters.limited.inc({ customer, limit }),
    onStream: (customer) => openIn(gauges.streams.labels({ customer })),
    onFanOut: (lagMs) => counters.fanOutLags.observe(lagMs / 1000),
    onSubscriberDropped: (customer) => counters.readersDropped.inc({ customer }),
    onConnection: () => openIn(gauges.connections),
    onConnectionRefused: () => counters.connectionsRefused.inc(),
    onLineLost: () => counters.linesLost.inc(),
    watch: gauges.watch,
    async read() {
      return { body: `${await registry.metrics()}\n${requests.durationsText()}`, contentType: registry.contentType };
    },
  };
}

/** Adds one, until the function that it returns is called for the first time. */
function openIn(gauge: { inc(): void; dec(): void }): () => void {
  let isOpen = true;
  gauge.inc();
  return () => {
    if (isOpen) gauge.dec();
    isOpen = false;
  };
}
