import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { createFinding, createReport, type FindingCode, SEVERITIES } from "./finding.ts";

const CODES = Object.keys(SEVERITIES) as FindingCode[];

test("docs/doctor.md describes each code, and no other", () => {
  const [, table = ""] = readFileSync("docs/doctor.md", "utf8").split("## Findings");
  const described = Array.from(table.matchAll(/^\| `([a-z-]+)` \|/gm), ([, code]) => code);
  expect(new Set(described)).toEqual(new Set(CODES));
  expect(described.length).toBe(CODES.length);
});

test("an end-to-end test makes the fault of each code", () => {
  const specs = readdirSync("e2e/specs").filter((file) => file.startsWith("doctor-"));
  const tests = specs.map((file) => readFileSync(`e2e/specs/${file}`, "utf8")).join("\n");
  expect(CODES.filter((code) => !new RegExp(`\\b${code}\\b`).test(tests))).toEqual([]);
});

test("a report has errors first, each message once, and is healthy with notes alone", () => {
  const note = createFinding("shared-worker-denied", "a");
  const warning = createFinding("double-load", "b");
  const error = createFinding("no-widget", "c");
  expect(createReport([note, warning, error, createFinding("tls-error", "c")])).toEqual({
    isHealthy: false,
    findings: [error, warning, note],
  });
  expect(createReport([note])).toEqual({ isHealthy: true, findings: [note] });
  expect(createReport([note, warning]).isHealthy).toBe(false);
});
