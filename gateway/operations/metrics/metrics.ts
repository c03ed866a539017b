import { collectDefaultMetrics, Registry } from "prom-client";
import { createCounters, createGauges, DURATION_BUCKETS, type HealthSources } from "./prometheus.ts";
import { createRequestCounts, type RequestMeasure } from "./request-counts.ts";

/** Limit that rejected a request. */
export type Limit = "subject" | "customer" | "streams_per_subject" | "streams" | "gateway_streams" | "refused";

/** Metrics of the gateway, for a Prometheus server. */
export interface Metrics {
  /** Counts a request in flight until the returned function is called. */
  onRequestStarted(): () => void;
  onRequest(measure: RequestMeasure): void;
  onLimited(customer: string, limit: Limit): void;
  /** Counts an open stream until the returned function is called. */
  onStream(customer: string): () => void;
  /** Records the time between the arrival of a change and its write to a stream, in milliseconds. */
  onFanOut(lagMs: number): void;
  /** Counts a subscriber that was disconnected for reading too slowly. */
  onSubscriberDropped(customer: string): void;
  /** Counts an open connection until the returned function is called. */
  onConnection(): () => void;
  /** Counts a connection that was closed at once, because too many were open. */
  onConnectionRejected(): void;
  /** Counts a lost line of the log. */
  onLineLost(): void;
  /** Sets the sources of the values to read at each scrape. */
  watch(healthSources: HealthSources): void;
  /** Returns the metrics in Prometheus's text format. */
  read(): Promise<{ readonly body: string; readonly contentType: string }>;
}

/**
 * Interval between samples of the event loop's lag, in milliseconds. Each sample wakes the process; the default is 10
 * ms.
 */
const LAG_SAMPLE_INTERVAL_MS = 50;

/** Creates empty metrics. With `process`, the process's memory, processor and event loop are included. */
export function createMetrics(options: { readonly process?: boolean } = {}): Metrics {
  const registry = new Registry();
  if (options.process)
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_SAMPLE_INTERVAL_MS });
  const counters = createCounters(registry);
  const gauges = createGauges(registry);
  const requests = createRequestCounts(registry, DURATION_BUCKETS);

  return {
    onRequestStarted: () => countOpen(gauges.inFlight),
    onRequest: requests.count,
    onLimited: (customer, limit) => counters.limited.inc({ customer, limit }),
    onStream: (customer) => countOpen(gauges.streams.labels({ customer })),
    onFanOut: (lagMs) => counters.fanOutLags.observe(lagMs / 1000),
    onSubscriberDropped: (customer) => counters.readersDropped.inc({ customer }),
    onConnection: () => countOpen(gauges.connections),
    onConnectionRejected: () => counters.connectionsRejected.inc(),
    onLineLost: () => counters.linesLost.inc(),
    watch: gauges.watch,
    async read() {
      return { body: `${await registry.metrics()}\n${requests.durationsText()}`, contentType: registry.contentType };
    },
  };
}

/** Increments a gauge, and decrements it on the first call of the returned function. */
function countOpen(gauge: { inc(): void; dec(): void }): () => void {
  let isOpen = true;
  gauge.inc();
  return () => {
    if (isOpen) gauge.dec();
    isOpen = false;
  };
}
