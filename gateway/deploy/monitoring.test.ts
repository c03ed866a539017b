/** The dashboard for Grafana and the alerts for Prometheus, held to the metrics of the gateway and to the page about them. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { beforeAll, describe, expect, test } from "vitest";
import { findServer } from "../../scripts/testing/report-missing-servers.mjs";
import { createMetrics } from "../operations/metrics/metrics.ts";

const read = (path: string) => readFileSync(new URL(path, import.meta.url), "utf8");

const RULES = "./prometheus/availability-gateway.rules.yaml";
const RULE_TESTS = "./prometheus/availability-gateway.rules.test.yaml";

const Dashboard = v.object({
  panels: v.array(v.object({ title: v.string(), targets: v.optional(v.array(v.object({ expr: v.string() })), []) })),
  templating: v.object({
    list: v.array(v.object({ query: v.union([v.string(), v.object({ query: v.string() })]) })),
  }),
});

const dashboard = v.parse(Dashboard, JSON.parse(read("./grafana/availability-gateway.json")));

/** Alerts with their expressions. */
const alerts = Array.from(
  read(RULES).matchAll(/- alert: (\w+)\n +expr: (.+)$/gm),
  ([, name = "", expression = ""]) => ({
    name,
    expression,
  }),
);

/** Every expression, with the name of its panel or alert. */
const expressions: readonly (readonly [name: string, expression: string])[] = [
  ...alerts.map(({ name, expression }) => [name, expression] as const),
  ...dashboard.panels.flatMap(({ title, targets }) => targets.map(({ expr }) => [title, expr] as const)),
];

/** Labels that Prometheus adds to each series of a target, and that of a histogram's buckets. */
const ADDED_LABELS = ["instance", "job", "le"];

/** Labels of each series that the gateway writes, by the name of the series. */
const series = new Map<string, ReadonlySet<string>>();

/** Fills the metrics with one event of each kind, and reads the series that they have. */
beforeAll(async () => {
  const metrics = createMetrics({ process: true });
  metrics.onRequestStarted();
  metrics.onRequest({ route: "/embed.js", method: "GET", status: 200, customer: "acme", durationMs: 1 });
  metrics.onLimited("acme", "subject");
  metrics.onUnauthorized("acme", "expired");
  metrics.onWebhook("acme", "accepted");
  metrics.onStream("acme");
  metrics.onFanOut(1);
  metrics.onSubscriberDropped("acme");
  metrics.onConnected();
  metrics.onRejected("OOM");
  metrics.onChanges(1);
  metrics.onCall({ service: "upstream", operation: "list", customer: "acme" }, "ok", 1);
  metrics.onCall({ service: "key set", operation: "fetch", customer: "acme" }, "ok", 1);
  metrics.onCall({ service: "redis", operation: "change" }, "ok", 1);
  metrics.watch({
    isStoreReady: () => true,
    replicaSize: () => ({ customers: 1, agents: 1, removedAgents: 0 }),
    historySize: () => ({ entries: 0, bytes: 0 }),
    customers: () => [
      {
        customer: "acme",
        staleSeconds: 0,
        upstreamStaleSeconds: 0,
        budgetLeft: 1,
        removalsHeldBack: 0,
        isKeySetAvailable: true,
      },
    ],
  });
  const { body } = await metrics.read();
  for (const [, name = "", labels = ""] of body.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm)) {
    series.set(name, new Set(Array.from(labels.matchAll(/(\w+)="/g), ([, label = ""]) => label)));
  }
});

/** Finds the names of series in an expression of PromQL. `up` is written by Prometheus itself. */
function seriesIn(expression: string): readonly string[] {
  return expression.match(/\b(?:gateway|process|nodejs)_\w+/g) ?? [];
}

/** Finds the labels in the selectors and groups of an expression. */
function labelsIn(expression: string): readonly string[] {
  const selectors = Array.from(expression.matchAll(/\{([^}]*)\}/g), ([, text = ""]) =>
    Array.from(text.matchAll(/(\w+)(?:=~|!=|!~|=)"/g), ([, label = ""]) => label),
  );
  const groups = Array.from(expression.matchAll(/\bby \(([^)]*)\)/g), ([, text = ""]) => text.split(/, */));
  return [...selectors, ...groups].flat();
}

test("there is a dashboard with panels, and there are alerts", () => {
  expect(dashboard.panels.flatMap(({ targets }) => targets).length).toBeGreaterThan(20);
  expect(alerts.length).toBe(read(RULES).match(/- alert:/g)?.length);
});

test.each(expressions)("%s has only series and labels of the gateway: %s", (_name, expression) => {
  const names = seriesIn(expression);
  expect(names.filter((name) => !series.has(name))).toEqual([]);
  const known = new Set([...ADDED_LABELS, ...names.flatMap((name) => [...(series.get(name) ?? [])])]);
  expect(labelsIn(expression).filter((label) => !known.has(label))).toEqual([]);
});

test("the dashboard's variables list labels of the gateway", () => {
  const queries = dashboard.templating.list.flatMap(({ query }) => (typeof query === "string" ? [] : [query.query]));
  expect(queries).toHaveLength(2);
  for (const query of queries) {
    const [, name = "", label = ""] = /^label_values\((\w+), (\w+)\)$/.exec(query) ?? [];
    expect([...ADDED_LABELS, ...(series.get(name) ?? [])], query).toContain(label);
  }
});

test("the dashboard shows each metric of the gateway but those of single requests' causes", () => {
  const shown = dashboard.panels.flatMap(({ targets }) => targets.flatMap(({ expr }) => seriesIn(expr)));
  const own = [...series.keys()].filter((name) => name.startsWith("gateway_"));
  const families = new Set(own.map((name) => name.replace(/_(?:bucket|sum|count)$/, "")));
  const missing = [...families].filter((family) => !shown.some((name) => name.startsWith(family)));
  expect(missing).toEqual([]);
});

describe("docs/monitor.md", () => {
  const page = read("../../docs/monitor.md");

  test("says of each alert what to do, and of no other", () => {
    const [, section = ""] = page.split("\n## Alerts\n");
    const described = Array.from(section.matchAll(/^\| `(Gateway\w+)` \|/gm), ([, name = ""]) => name);
    expect(described.sort()).toEqual(alerts.map(({ name }) => name).sort());
  });
});

const promtool = findServer("promtool");

describe.skipIf(!promtool)("by promtool", () => {
  const run = (...parts: readonly string[]) => execFileSync(promtool ?? "", parts, { encoding: "utf8", stdio: "pipe" });

  test("the rules are valid", () => {
    expect(run("check", "rules", fileURLToPath(new URL(RULES, import.meta.url)))).toContain(
      `${alerts.length} rules found`,
    );
  });

  test("a healthy gateway fires no alert, and each alert fires for its fault", () => {
    expect(run("test", "rules", fileURLToPath(new URL(RULE_TESTS, import.meta.url)))).toContain("SUCCESS");
    const fired = Array.from(read(RULE_TESTS).matchAll(/alertname="(\w+)"/g), ([, name = ""]) => name);
    expect(fired.sort()).toEqual(alerts.map(({ name }) => name).sort());
  });
});
