import { collectDefaultMetrics, Registry } from "prom-client";
import type { UnauthorizedKind } from "../../auth/authorize.ts";
import type { OutgoingCall } from "../../outgoing-call.ts";
import type { ReloadOutcome } from "../../reload/reload.ts";
import type { StoreObserver } from "../../store/store-observer.ts";
import type { StreamObserver } from "../../stream/stream-hub.ts";
import type { WebhookOutcome } from "../../upstream/aircall/webhook.ts";
import type { CallResult } from "./call-result.ts";
import { createCallCounters, createRequestCounters } from "./counters.ts";
import { createCustomerLabel, NONE } from "./customer-label.ts";
import { formatMetrics } from "./exposition.ts";
import { createGauges, type OpenCount } from "./gauges.ts";
import type { HealthSources } from "./health-sources.ts";
import { countReload, createReloadMetrics } from "./reload-metrics.ts";

/** Limit that rejected a request. */
export type Limit =
  | "subject"
  | "customer"
  | "streams_per_subject"
  | "streams"
  | "gateway_streams"
  | "unread_lists_per_subject"
  | "unread_lists"
  | "refused";

/** Labels and duration of one request. The labels have few values: patterns, known methods, configured customers. */
export interface RequestMeasure {
  /** The route's pattern without its customer: `/v1/users/:userId/availability`. */
  readonly route: string;
  readonly method: string;
  readonly status: number;
  readonly customer: string;
  /** Time until the start of the response, in milliseconds. A stream starts at once and stays open. */
  readonly durationMs: number;
}

/** Metrics of the gateway, for a Prometheus server. `undefined` as a customer stands for an unknown customer. */
export interface Metrics extends StreamObserver, Pick<StoreObserver, "onConnected" | "onRejected" | "onChanges"> {
  /** Counts a request in flight until the returned function is called. */
  onRequestStarted(): () => void;
  onRequest(measure: RequestMeasure): void;
  onLimited(customer: string, limit: Limit): void;
  /** Counts a request that was rejected for its token. */
  onUnauthorized(customer: string | undefined, reason: UnauthorizedKind): void;
  /** Counts a token that one secret of a customer's list has verified, by the secret's place in the list, from 1. */
  onVerified(customer: string, secretPlace: number): void;
  onWebhook(customer: string | undefined, outcome: WebhookOutcome): void;
  /** Counts a call of another service that has ended after this time, in milliseconds. */
  onCall(call: OutgoingCall, result: CallResult, durationMs: number): void;
  /** Counts an open connection until the returned function is called. */
  onConnection(): () => void;
  /** Counts a connection that was closed at once, because too many were open. */
  onConnectionRejected(): void;
  /** Counts a lost line of the log. */
  onLineLost(): void;
  /** Counts spans that could not be exported. */
  onSpansLost(count: number): void;
  /** Counts a reload of the settings. */
  onReloaded(outcome: ReloadOutcome): void;
  /** Sets the sources of the values to read at each scrape. */
  watch(healthSources: HealthSources): void;
  /** Returns the metrics in Prometheus's text format. */
  read(): Promise<{ readonly body: string; readonly contentType: string }>;
}

export interface MetricsOptions {
  /** True if the process's memory, processor and event loop are included. @default false */
  readonly process?: boolean;
  /** Customers with a label of their own; all others are added up. @default all customers */
  readonly labelledCustomers?: ReadonlySet<string> | undefined;
}

/**
 * Interval between samples of the event loop's lag, in milliseconds. Each sample wakes the process; the default is 10
 * ms.
 */
const LAG_SAMPLE_INTERVAL_MS = 50;

/** Creates empty metrics. */
export function createMetrics(options: MetricsOptions = {}): Metrics {
  const registry = new Registry();
  if (options.process)
    collectDefaultMetrics({ register: registry, eventLoopMonitoringPrecision: LAG_SAMPLE_INTERVAL_MS });
  const toLabel = createCustomerLabel(options.labelledCustomers);
  const requests = createRequestCounters(registry);
  const calls = createCallCounters(registry);
  const reloads = createReloadMetrics(registry);
  const gauges = createGauges(registry, toLabel);
  let reading: Promise<string> | undefined;

  /** Formats the metrics once for all scrapes that come meanwhile. */
  function format(): Promise<string> {
    gauges.prepareScrape();
    return formatMetrics(registry).finally(() => {
      reading = undefined;
    });
  }

  return {
    onRequestStarted: () => countOpen(gauges.inFlight),
    onRequest({ route, method, status, customer, durationMs }) {
      requests.requests.inc({ route, method, customer: toLabel(customer), status: `${Math.floor(status / 100)}xx` });
      requests.durations.observe({ route, method }, durationMs / 1000);
    },
    onLimited: (customer, limit) => requests.limited.inc({ customer: toLabel(customer), limit }),
    onUnauthorized: (customer = NONE, reason) => requests.unauthorized.inc({ customer: toLabel(customer), reason }),
    onVerified: (customer, secret) => requests.verified.inc({ customer: toLabel(customer), secret }),
    onWebhook: (customer = NONE, result) => requests.webhooks.inc({ customer: toLabel(customer), result }),
    onCall(call, result, durationMs) {
      const seconds = durationMs / 1000;
      switch (call.service) {
        case "upstream":
          calls.upstreamRequests.inc({ customer: toLabel(call.customer), operation: call.operation, result });
          calls.upstreamDurations.observe({ operation: call.operation }, seconds);
          break;
        case "key set":
          calls.keySetFetches.inc({ customer: toLabel(call.customer), result });
          break;
        case "redis":
          calls.redisCommands.observe({ command: call.operation, result }, seconds);
      }
    },
    onConnected: () => calls.redisConnections.inc(),
    onRejected: (code) => calls.redisRejections.inc({ code }),
    onChanges: (lagMs) => calls.feedLags.observe(lagMs / 1000),
    onStream: (customer) => countOpen(gauges.streams(toLabel(customer))),
    onFanOut: (lagMs) => requests.fanOutLags.observe(lagMs / 1000),
    onSubscriberDropped: (customer) => requests.readersDropped.inc({ customer: toLabel(customer) }),
    onConnection: () => countOpen(gauges.connections),
    onConnectionRejected: () => requests.connectionsRejected.inc(),
    onLineLost: () => requests.linesLost.inc(),
    onSpansLost: (count) => requests.spansLost.inc(count),
    onReloaded: (outcome) => countReload(reloads, outcome),
    watch: gauges.watch,
    async read() {
      reading ??= format();
      return { body: await reading, contentType: registry.contentType };
    },
  };
}

/** Increments a gauge, and decrements it on the first call of the returned function. */
function countOpen(gauge: OpenCount): () => void {
  let isOpen = true;
  gauge.inc();
  return () => {
    if (isOpen) gauge.dec();
    isOpen = false;
  };
}
