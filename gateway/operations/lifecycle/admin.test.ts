import { expect, test } from "vitest";
import { throwDefect } from "../../test/test-gateway.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { createAdmin } from "./admin.ts";
import { createReadiness } from "./readiness.ts";

function admin(otherStaleSeconds: number) {
  const customers = [
    { customer: "acme", staleSeconds: 5, upstreamStaleSeconds: 0, budgetLeft: 100 },
    { customer: "other", staleSeconds: otherStaleSeconds, upstreamStaleSeconds: otherStaleSeconds },
  ];
  const healthSources = {
    isStoreReady: () => true,
    replicaSize: () => ({ customers: 1, agents: 5, removedAgents: 2 }),
    historySize: () => ({ entries: 7, bytes: 2_170 }),
    customers: () => customers,
  };
  const metrics = createMetrics();
  metrics.watch(healthSources);
  const readiness = createReadiness({ healthSources, staleLimitSeconds: 60 });
  return createAdmin({
    metrics,
    readiness,
    onDefect: throwDefect,
  });
}

test("reports the age of each customer's data", async () => {
  const response = await admin(61).request("/readyz");
  expect(response.status).toBe(503);
  await expect(response.json()).resolves.toEqual({
    status: "not ready",
    failing: ["upstreams"],
    customers: [
      { customer: "acme", staleSeconds: 5, upstreamStaleSeconds: 0, budgetLeft: 100 },
      { customer: "other", staleSeconds: 61, upstreamStaleSeconds: 61 },
    ],
  });
});

test("reports no age of data that was never read", async () => {
  const response = await admin(Number.POSITIVE_INFINITY).request("/readyz");
  await expect(response.json()).resolves.toMatchObject({
    customers: [{ staleSeconds: 5 }, { staleSeconds: null, upstreamStaleSeconds: null }],
  });
});

test("is ready if every customer is up to date, and responds to a health check", async () => {
  const responses = ["/readyz", "/healthz"].map(async (path) => (await admin(0).request(path)).status);
  await expect(Promise.all(responses)).resolves.toEqual([200, 200]);
});

test("serves the metrics of each customer in Prometheus's format", async () => {
  const response = await admin(7).request("/metrics");
  expect(response.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const lines = (await response.text()).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      'gateway_stale_seconds{customer="acme"} 5',
      'gateway_stale_seconds{customer="other"} 7',
      'gateway_upstream_budget_left{customer="acme"} 100',
      "gateway_store_ready 1",
      "gateway_history_changes 7",
      "gateway_history_bytes 2170",
    ]),
  );
});

test("responds with 404 at other paths", async () => {
  expect((await admin(0).request("/v1/users/123/availability")).status).toBe(404);
  expect((await admin(0).request("/metrics", { method: "POST" })).status).toBe(405);
});
