import { readFileSync } from "node:fs";
import { Registry } from "prom-client";
import { expect, test } from "vitest";
import { createJsonLog } from "./logging/json-log.ts";
import { createCallCounters, createRequestCounters } from "./metrics/counters.ts";
import { createMetrics } from "./metrics/metrics.ts";
import { createReloadMetrics } from "./metrics/reload-metrics.ts";
import { TRACING_VARIABLES } from "./tracing/tracing-settings.ts";

const page = readFileSync(new URL("../../docs/monitor.md", import.meta.url), "utf8");

/** Rows of the table of metrics: the name and the text of the labels. */
const rows = new Map(
  Array.from(page.matchAll(/^\| `(gateway_\w+)` \| ([^|]*) ?\|/gm), ([, name = "", labels = ""]) => [name, labels]),
);

test("describes each metric, and no other", async () => {
  const { body } = await createMetrics().read();
  const names = Array.from(body.matchAll(/^# TYPE (\S+)/gm), ([, name = ""]) => name);
  expect([...rows.keys()].sort()).toEqual(names.sort());
});

test("names the labels of each counter and histogram", () => {
  const registry = new Registry();
  const counters = {
    ...createRequestCounters(registry),
    ...createCallCounters(registry),
    ...createReloadMetrics(registry),
  };
  for (const counter of Object.values(counters)) {
    const { name, labelNames } = counter as unknown as {
      readonly name: string;
      readonly labelNames: readonly string[];
    };
    const documented = Array.from(
      (rows.get(name) ?? "").matchAll(/(?:^|, )`(\w+)`(?! for)/g),
      ([, label = ""]) => label,
    );
    expect(
      labelNames.filter((label) => !documented.includes(label)),
      name,
    ).toEqual([]);
  }
});

test("describes each variable of traces, and no other", () => {
  const [, section = ""] = page.split("\n## Traces\n");
  const [own = ""] = section.split("\n## ");
  const names = Array.from(own.matchAll(/^\| `(OTEL_\w+)` \|/gm), ([, name = ""]) => name);
  expect(names.sort()).toEqual(Object.keys(TRACING_VARIABLES).sort());
});

test("shows an audit line with the keys, in the order, that the gateway writes", () => {
  const [, shown = ""] = /^(\{.*"msg":"audit"\})$/m.exec(page) ?? [];
  const record = JSON.parse(shown);
  const { time } = record;
  for (const added of ["level", "time", "msg"]) delete record[added];
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line), flush: () => Promise.resolve() };
  createJsonLog({ level: "info", destination }).audit?.(record);
  const written = JSON.parse(lines[0] ?? "");
  expect({ ...written, time }).toEqual(JSON.parse(shown));
});
