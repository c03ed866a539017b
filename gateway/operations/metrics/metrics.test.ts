import { setImmediate as nextTurn } from "node:timers/promises";
import { Counter, Gauge, Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { StoreUnavailableError } from "../../store/availability-store.ts";
import { UpstreamError } from "../../upstream/upstream.ts";
import { observeCallsWith } from "../observe-calls.ts";
import { toCallResult } from "./call-result.ts";
import { formatMetrics } from "./exposition.ts";
import type { CustomerHealth } from "./health-sources.ts";
import { createMetrics, type Metrics } from "./metrics.ts";

/** Returns the lines of a metric, sorted. */
async function linesOf({ read }: Metrics, name: string): Promise<readonly string[]> {
  const { body } = await read();
  return body
    .split("\n")
    .filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))
    .sort();
}

const REQUEST = { route: "/embed.js", method: "GET", status: 200, durationMs: 2 };

function watchCustomers(metrics: Metrics, customers: readonly CustomerHealth[]): void {
  metrics.watch({
    isStoreReady: () => true,
    replicaSize: () => ({ customers: 2, agents: 5, removedAgents: 3 }),
    historySize: () => ({ entries: 7, bytes: 2_170 }),
    customers: () => customers,
  });
}

const HEALTH = [
  { customer: "acme", staleSeconds: 0, budgetLeft: 30, isKeySetAvailable: true, removalsHeldBack: 1, isPolling: true },
  {
    customer: "globex",
    staleSeconds: 7,
    budgetLeft: 4,
    isKeySetAvailable: false,
    removalsHeldBack: 2,
    isPolling: true,
  },
  { customer: "initech", staleSeconds: 3, isPolling: false },
].map((health) => ({ ...health, upstreamStaleSeconds: health.staleSeconds }));

test("names each customer by default", async () => {
  const metrics = createMetrics();
  for (const customer of ["acme", "globex", "none"]) metrics.onRequest({ ...REQUEST, customer });
  watchCustomers(metrics, HEALTH);
  expect(await linesOf(metrics, "gateway_requests_total")).toEqual(
    ["acme", "globex", "none"].map(
      (customer) => `gateway_requests_total{route="/embed.js",method="GET",customer="${customer}",status="2xx"} 1`,
    ),
  );
  expect(await linesOf(metrics, "gateway_stale_seconds")).toHaveLength(3);
});

test("adds customers without a label of their own up, and tells the worst of their health", async () => {
  const metrics = createMetrics({ labelledCustomers: new Set(["acme"]) });
  for (const customer of ["acme", "globex", "initech", "none"]) {
    metrics.onRequest({ ...REQUEST, customer });
    metrics.onStream(customer);
    metrics.onUnauthorized(customer, "expired");
  }
  watchCustomers(metrics, HEALTH);
  const read = async (name: string) =>
    (await linesOf(metrics, name)).map((line) => /customer="(\w+)".* (\S+)$/.exec(line)?.slice(1).join(" "));
  expect(await read("gateway_requests_total")).toEqual(["acme 1", "none 1", "other 2"]);
  expect(await read("gateway_streams_open")).toEqual(["acme 1", "none 1", "other 2"]);
  expect(await read("gateway_requests_unauthorized_total")).toEqual(["acme 1", "none 1", "other 2"]);
  expect(await read("gateway_stale_seconds")).toEqual(["acme 0", "other 7"]);
  expect(await read("gateway_upstream_budget_left")).toEqual(["acme 30", "other 4"]);
  expect(await read("gateway_key_set_available")).toEqual(["acme 1", "other 0"]);
  expect(await read("gateway_upstream_removals_held_back_total")).toEqual(["acme 1", "other 2"]);
});

test("counts tokens by the secret that has verified them", async () => {
  const metrics = createMetrics();
  for (const secretPlace of [2, 1, 2]) metrics.onVerified("acme", secretPlace);
  expect(await linesOf(metrics, "gateway_tokens_verified_total")).toEqual([
    'gateway_tokens_verified_total{customer="acme",secret="1"} 1',
    'gateway_tokens_verified_total{customer="acme",secret="2"} 2',
  ]);
});

test("forgets a customer that is gone", async () => {
  const metrics = createMetrics();
  watchCustomers(metrics, HEALTH);
  await metrics.read();
  watchCustomers(metrics, HEALTH.slice(1));
  expect((await metrics.read()).body).not.toContain("acme");
});

test("tells the sizes of what is in memory, and how many customers the gateway polls", async () => {
  const metrics = createMetrics();
  watchCustomers(metrics, HEALTH);
  const values = {
    gateway_loaded_customers: 2,
    gateway_loaded_agents: 5,
    gateway_removed_agents: 3,
    gateway_history_changes: 7,
    gateway_polled_customers: 2,
  };
  for (const [name, value] of Object.entries(values))
    expect(await linesOf(metrics, name)).toEqual([`${name} ${value}`]);
});

const UPSTREAM_CALL = { service: "upstream", operation: "set", customer: "acme" } as const;

test("counts calls of other services by their result, and hands on what they return or throw", async () => {
  const metrics = createMetrics();
  const observe = observeCallsWith({ metrics });
  const error = new UpstreamError("Too many", { status: 429 });
  await expect(observe(UPSTREAM_CALL, () => Promise.resolve("value"))).resolves.toBe("value");
  await expect(observe(UPSTREAM_CALL, () => Promise.reject(error))).rejects.toBe(error);
  await observe({ service: "redis", operation: "change" }, () => Promise.resolve());
  await observe({ service: "key set", operation: "fetch", customer: "acme" }, () => Promise.resolve());
  const { body } = await metrics.read();
  for (const line of [
    'gateway_upstream_requests_total{customer="acme",operation="set",result="ok"} 1',
    'gateway_upstream_requests_total{customer="acme",operation="set",result="rate_limited"} 1',
    'gateway_upstream_request_duration_seconds_count{operation="set"} 2',
    'gateway_redis_command_duration_seconds_count{command="change",result="ok"} 1',
    'gateway_key_set_fetches_total{customer="acme",result="ok"} 1',
  ]) {
    expect(body.split("\n")).toContain(line);
  }
});

test.each([
  [new UpstreamError("", { status: 404 }), "rejected"],
  [new UpstreamError("", { status: 429 }), "rate_limited"],
  [new UpstreamError("", { status: 503 }), "failed"],
  [new UpstreamError("No JSON"), "failed"],
  [new UpstreamError("", { isTimeout: true }), "timeout"],
  [new UpstreamError("", {}, { cause: new TypeError("fetch failed") }), "unreachable"],
  [new StoreUnavailableError("Redis cannot be reached"), "unreachable"],
  [new DOMException("", "TimeoutError"), "timeout"],
  [new Error("status 500"), "failed"],
])("calls the result of %j %s", (error, result) => {
  expect(toCallResult(error, {})).toBe(result);
  expect(toCallResult(error, { signal: AbortSignal.abort() })).toBe("aborted");
});

/** Creates a registry with values that need escaping, and with more values than are formatted in one turn. */
function createFullRegistry(): Registry {
  const registers = [new Registry()] as const;
  const [registry] = registers;
  const counter = new Counter({
    name: "c_total",
    help: "A \\ and\na line",
    labelNames: ["a", "b"],
    registers: [registry],
  });
  counter.inc({ a: 'quote " backslash \\ line \n', b: "é" }, 2);
  for (let index = 0; index < 2_000; index += 1) counter.inc({ a: `a${index}`, b: "x" });
  new Gauge({ name: "g", help: "g", registers: [registry] }).set(Number.POSITIVE_INFINITY);
  const histogram = new Histogram({
    name: "h_seconds",
    help: "h",
    labelNames: ["r"],
    buckets: [0.1, 1],
    registers: [registry],
  });
  for (const value of [0.05, 0.5, 5]) histogram.observe({ r: "one" }, value);
  return registry;
}

/** Sorts the labels of each line, whose order has no meaning. */
function normalize(text: string): readonly string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/(?<=^h_seconds\w*\{).*(?=\})/, (labels) => labels.split(",").sort().join()))
    .sort();
}

test("writes the format that the library writes", async () => {
  const registry = createFullRegistry();
  expect(normalize(await formatMetrics(registry))).toEqual(normalize(await registry.metrics()));
});

test("lets other work go on while it writes thousands of lines", async () => {
  let turns = 0;
  let isWritten = false;
  const count = async () => {
    for (; !isWritten; turns += 1) await nextTurn();
  };
  const counting = count();
  await formatMetrics(createFullRegistry());
  isWritten = true;
  await counting;
  expect(turns).toBeGreaterThanOrEqual(4);
});

test("writes once for scrapes that come together, and anew for the next", async () => {
  const metrics = createMetrics();
  let reads = 0;
  metrics.watch({
    isStoreReady: () => true,
    replicaSize: () => ({ customers: 0, agents: 0, removedAgents: 0 }),
    historySize: () => ({ entries: 0, bytes: 0 }),
    customers() {
      reads += 1;
      return [];
    },
  });
  await Promise.all([metrics.read(), metrics.read()]);
  expect(reads).toBe(1);
  await metrics.read();
  expect(reads).toBe(2);
});
