import { expect, test } from "vitest";
import type { Condition } from "./conditions.ts";
import { findBreaches } from "./guarantee.ts";
import type { Ask, RequestReport } from "./page/report.ts";

const ASK: Ask = { kind: "known", isNamed: false, lifeMs: 500 };

/** A request sent at 1,000 that settled at 1,100, fulfilled by default. */
function settled(outcome: string, changes: Partial<RequestReport> = {}): RequestReport {
  return {
    key: "1001",
    slot: "left",
    ask: ASK,
    askedAt: 1_000,
    settledAt: 1_100,
    durationMs: 100,
    resolved: [outcome],
    heard: [outcome],
    observed: [outcome],
    isOverdue: false,
    wasReady: true,
    losses: 0,
    ...changes,
  };
}

const condition = (name: Condition["name"], from: number, until: number): Condition => ({ name, from, until });
const breachesOf = (...requests: RequestReport[]) => findBreaches(requests, []);

test("accepts a request that was fulfilled once", () => {
  expect(breachesOf(settled("FULFILLED"))).toEqual([]);
});

test.each<[string, Partial<RequestReport>, string]>([
  ["that nobody saw settle", { observed: [], heard: [], resolved: [], settledAt: undefined }, "was never settled"],
  [
    "that settled twice",
    { observed: ["FULFILLED", "FULFILLED"] },
    "settled as FULFILLED+FULFILLED / FULFILLED / FULFILLED",
  ],
  ["whose caller heard another outcome", { resolved: ["TIMEOUT"] }, "settled as FULFILLED / FULFILLED / TIMEOUT"],
  ["that no listener heard of", { heard: [] }, "settled as FULFILLED / nothing / FULFILLED"],
  ["whose watchdog rang", { isOverdue: true }, "settled after its deadline and the allowance"],
])("finds a request %s", (_what, changes, breach) => {
  expect(breachesOf(settled("FULFILLED", changes))).toEqual([`left 1001 (known, 500 ms) ${breach}`]);
});

test.each<[string, Partial<RequestReport>]>([
  ["INTERNAL", {}],
  ["OVERLOADED", {}],
  ["UNKNOWN_EVENT", {}],
  ["INVALID_REQUEST", {}],
  ["ABORTED", {}],
  ["CONNECTION_CLOSED", {}],
  ["CONNECTION_CLOSED", { losses: 1 }],
  ["TIMEOUT", { durationMs: 700 }],
  ["BACKEND_TIMEOUT", { durationMs: 480 }],
  ["WIDGET_UNAVAILABLE", { durationMs: 501 }],
  ["WIDGET_UNAVAILABLE", { wasReady: false, durationMs: 400 }],
  ["BACKEND_UNREACHABLE", {}],
  ["INVALID_RESPONSE", {}],
  ["STATUS 503", {}],
  ["STATUS 404", {}],
])("reports that %s does not fit a known request without faults, %o", (outcome, changes) => {
  expect(breachesOf(settled(outcome, changes))).toEqual([expect.stringContaining(`settled ${outcome} after`)]);
});

test.each<[string, Partial<RequestReport>]>([
  ["UNKNOWN_EVENT", { ask: { ...ASK, kind: "unknown" } }],
  ["CONNECTION_CLOSED", { ask: { ...ASK, kind: "unknown" }, losses: 1 }],
  ["INVALID_REQUEST", { ask: { ...ASK, kind: "invalid" } }],
  ["INVALID_REQUEST", { ask: { ...ASK, kind: "unsendable" } }],
  ["ABORTED", { ask: { ...ASK, abortAfterMs: 0 } }],
  ["TIMEOUT", { durationMs: 750 }],
  ["BACKEND_TIMEOUT", { durationMs: 500 }],
  ["WIDGET_UNAVAILABLE", { wasReady: false, durationMs: 500 }],
])("reports that %s fits %o", (outcome, changes) => {
  expect(breachesOf(settled(outcome, changes))).toEqual([]);
});

test.each<[string, Condition["name"]]>([
  ["BACKEND_UNREACHABLE", "offline"],
  ["BACKEND_UNREACHABLE", "backend cuts"],
  ["INVALID_RESPONSE", "backend garbles"],
  ["STATUS 503", "backend is busy"],
  ["STATUS 429", "backend limits"],
  ["CONNECTION_CLOSED", "destroyed"],
])("accepts %s while: %s", (outcome, name) => {
  const request = settled(outcome);
  expect(findBreaches([request], [condition(name, 0, 1_050)])).toEqual([]);
  expect(findBreaches([request], [condition(name, 0, 900)])).toHaveLength(1);
  expect(findBreaches([request], [condition(name, 1_200, Number.POSITIVE_INFINITY)])).toHaveLength(1);
});

test("does not excuse a connector by a fault of the other connector", () => {
  const removed: Condition = { ...condition("frame removed", 0, 2_000), slot: "right" };
  expect(findBreaches([settled("CONNECTION_CLOSED")], [removed])).toHaveLength(1);
});

test("excuses a request that joined a call which began during a fault of the backend", () => {
  const ask = { ...ASK, isNamed: true };
  const first = settled("STATUS 503", { key: "named-1", ask, askedAt: 800, settledAt: 1_100 });
  const joined = settled("STATUS 503", { key: "named-2", ask });
  const conditions = [condition("backend is busy", 700, 900)];
  expect(findBreaches([first, joined], conditions)).toEqual([]);
  expect(findBreaches([{ ...first, settledAt: 950 }, joined], conditions)).toHaveLength(1);
});
