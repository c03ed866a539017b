import { Counter, Histogram, type Registry } from "prom-client";

/** Upper bounds of the buckets in seconds, from a read of memory to the longest wait for a slow upstream. */
const DURATION_BUCKETS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Creates the counters and histograms of requests, streams and connections. */
export function createRequestCounters(registry: Registry) {
  const registers = [registry];
  return {
    requests: new Counter({
      name: "gateway_requests_total",
      help: "Requests with a response.",
      labelNames: ["route", "method", "status", "customer"],
      registers,
    }),
    durations: new Histogram({
      name: "gateway_request_duration_seconds",
      help: "Time until the start of a response.",
      labelNames: ["route", "method"],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    limited: new Counter({
      name: "gateway_requests_limited_total",
      help: "Requests that were rejected with 429, by the limit that was exceeded.",
      labelNames: ["customer", "limit"],
      registers,
    }),
    unauthorized: new Counter({
      name: "gateway_requests_unauthorized_total",
      help: "Requests that were rejected for their token or for the lack of one, by the reason.",
      labelNames: ["customer", "reason"],
      registers,
    }),
    verified: new Counter({
      name: "gateway_tokens_verified_total",
      help: "Tokens that were verified by one of several secrets, by the place of the secret in the customer's list, from 1.",
      labelNames: ["customer", "secret"],
      registers,
    }),
    webhooks: new Counter({
      name: "gateway_webhooks_total",
      help: "Webhooks of telephony systems: accepted, rejected for their token, or malformed.",
      labelNames: ["customer", "result"],
      registers,
    }),
    fanOutLags: new Histogram({
      name: "gateway_stream_fan_out_lag_seconds",
      help: "Time from when the gateway received a change until it had written it to a stream.",
      buckets: DURATION_BUCKETS,
      registers,
    }),
    readersDropped: new Counter({
      name: "gateway_stream_readers_dropped_total",
      help: "Streams that were closed because their subscriber read too slowly.",
      labelNames: ["customer"],
      registers,
    }),
    connectionsRejected: new Counter({
      name: "gateway_connections_refused_total",
      help: "Connections that were closed at once, over MAX_CONNECTIONS.",
      registers,
    }),
    spansLost: new Counter({
      name: "gateway_spans_lost_total",
      help: "Spans of traces that could not be exported.",
      registers,
    }),
    linesLost: new Counter({
      name: "gateway_log_lines_lost_total",
      help: "Lines of the log, or writes of several, that could not be written.",
      registers,
    }),
  };
}

/** Creates the counters and histograms of calls of other services. */
export function createCallCounters(registry: Registry) {
  const registers = [registry];
  return {
    upstreamRequests: new Counter({
      name: "gateway_upstream_requests_total",
      help: "Calls of a customer's telephony system, by operation and result.",
      labelNames: ["customer", "operation", "result"],
      registers,
    }),
    upstreamDurations: new Histogram({
      name: "gateway_upstream_request_duration_seconds",
      help: "Time until a telephony system's whole response, or until the call failed.",
      labelNames: ["operation"],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    keySetFetches: new Counter({
      name: "gateway_key_set_fetches_total",
      help: "Fetches of a customer's key set, by result.",
      labelNames: ["customer", "result"],
      registers,
    }),
    redisCommands: new Histogram({
      name: "gateway_redis_command_duration_seconds",
      help: "Time until the reply of Redis to a script, or until the script failed.",
      labelNames: ["command", "result"],
      buckets: DURATION_BUCKETS,
      registers,
    }),
    redisConnections: new Counter({
      name: "gateway_redis_connections_total",
      help: "Connections to Redis that were opened: each after the first one is a reconnection.",
      registers,
    }),
    redisRejections: new Counter({
      name: "gateway_redis_rejections_total",
      help: "Writes that Redis rejected, by the code of its error.",
      labelNames: ["code"],
      registers,
    }),
    feedLags: new Histogram({
      name: "gateway_feed_lag_seconds",
      help: "Time from a change in Redis until it reached this gateway, by the clock of the Redis machine.",
      buckets: DURATION_BUCKETS,
      registers,
    }),
  };
}
