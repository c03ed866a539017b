import { expect, test } from "vitest";
import { throwDefect } from "../../test/test-gateway.ts";
import { createMetrics } from "../metrics/metrics.ts";
import { createAdmin } from "./admin.ts";
import { createReadiness } from "./readiness.ts";

function admin(otherStaleSeconds: number) {
  const customers = [
    { customer: "acme", staleSeconds: 0, budgetLeft: 100 },
    { customer: "other", staleSeconds: otherStaleSeconds },
  ];
  const standings = { isStoreReady: () => true, customers: () => customers };
  const metrics = createMetrics();
  metrics.watch(standings);
  const readiness = createReadiness({ standings, staleLimitSeconds: 60 });
  return createAdmin({
    metrics,
    readiness,
    onDefect: throwDefect,
  });
}

test("says of each customer how old what it is served may be", async () => {
  const answer = await admin(61).request("/readyz");
  expect(answer.status).toBe(503);
  await expect(answer.json()).resolves.toEqual({
    status: "not ready",
    failing: ["upstreams"],
    customers: [
      { customer: "acme", staleSeconds: 0, budgetLeft: 100 },
      { customer: "other", staleSeconds: 61 },
    ],
  });
});

test("knows no age of what was never read", async () => {
  const answer = await admin(Number.POSITIVE_INFINITY).request("/readyz");
  await expect(answer.json()).resolves.toMatchObject({ customers: [{ staleSeconds: 0 }, { staleSeconds: null }] });
});

test("is ready with everything current, and answers a health check", async () => {
  const answers = ["/readyz", "/healthz"].map(async (path) => (await admin(0).request(path)).status);
  await expect(Promise.all(answers)).resolves.toEqual([200, 200]);
});

test("serves the metrics of each customer in Prometheus's format", async () => {
  const answer = await admin(7).request("/metrics");
  expect(answer.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const lines = (await answer.text()).split("\n");
  expect(lines).toEqual(
    expect.arrayContaining([
      'gateway_stale_seconds{customer="acme"} 0',
      'gateway_stale_seconds{customer="other"} 7',
      'gateway_upstream_budget_left{customer="acme"} 100',
      "gateway_store_ready 1",
    ]),
  );
});

test("has nothing else", async () => {
  expect((await admin(0).request("/v1/users/123/availability")).status).toBe(404);
  expect((await admin(0).request("/metrics", { method: "POST" })).status).toBe(405);
});
