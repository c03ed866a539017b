import fc from "fast-check";
import { Counter, Histogram, Registry } from "prom-client";
import { expect, test } from "vitest";
import { createRequestCounts, type RequestMeasure } from "./request-counts.ts";

const BOUNDS = [0.001, 0.01, 0.1];

const measures: fc.Arbitrary<RequestMeasure[]> = fc.array(
  fc.record({
    route: fc.constantFrom("/v1/users/:userId/availability", "/embed.js", "none"),
    method: fc.constantFrom("GET", "PUT", "none"),
    status: fc.constantFrom(200, 204, 304, 404, 503),
    customer: fc.constantFrom("acme", "globex", "none"),
    durationMs: fc.oneof(fc.constantFrom(0, 1, 10, 100), fc.double({ min: 0, max: 1000, noNaN: true })),
  }),
  { maxLength: 40, size: "max" },
);

/** Counts by the library's own counters. */
async function countByLibrary(counted: readonly RequestMeasure[]): Promise<string> {
  const registry = new Registry();
  const registers = [registry];
  const total = new Counter({
    name: "gateway_requests_total",
    help: "Requests with a response.",
    labelNames: ["route", "method", "status", "customer"],
    registers,
  });
  const durations = new Histogram({
    name: "gateway_request_duration_seconds",
    help: "Time until the start of a response.",
    labelNames: ["route", "method"],
    buckets: BOUNDS,
    registers,
  });
  for (const { route, method, status, customer, durationMs } of counted) {
    total.inc({ route, method, status: `${Math.floor(status / 100)}xx`, customer });
    durations.observe({ route, method }, durationMs / 1000);
  }
  return registry.metrics();
}

/** Splits lines and labels, whose orders have no meaning. */
function toLines(text: string): string[] {
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) =>
      line.replace(/\{(.*)\}/, (_all, labels: string) => `{${(labels.match(/\w+="[^"]*"/g) ?? []).sort().join()}}`),
    )
    .sort();
}

test("counts requests and their durations as the metrics library does", async () => {
  await fc.assert(
    fc.asyncProperty(measures, async (counted) => {
      const registry = new Registry();
      const counts = createRequestCounts(registry, BOUNDS);
      counted.forEach(counts.count);
      const text = (await registry.metrics()) + counts.durationsText();
      expect(toLines(text)).toEqual(toLines(await countByLibrary(counted)));
    }),
  );
});

test("keeps counting after a scrape", async () => {
  const registry = new Registry();
  const counts = createRequestCounts(registry, BOUNDS);
  const measure = { route: "/embed.js", method: "GET", status: 200, customer: "acme", durationMs: 2 };
  counts.count(measure);
  await registry.metrics();
  counts.count(measure);
  expect(await registry.metrics()).toMatch(/^gateway_requests_total\{.*\} 2$/m);
  expect(counts.durationsText()).toContain('duration_seconds_bucket{le="0.01",route="/embed.js",method="GET"} 2');
});
