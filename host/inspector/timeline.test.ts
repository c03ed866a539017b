/** The time line, its filters and its counters. */
import { expect, test } from "vitest";
import { createCounter } from "./counters.ts";
import { writeVector } from "./export.ts";
import { formatBytes, formatDuration } from "./format.ts";
import { createRedactor } from "./redact.ts";
import type { TapRecord } from "./tap.ts";
import { createTimeline, type EntryKind, FILTERS, matches } from "./timeline.ts";

const ASK = {
  type: "API.FETCH_USER_AVAILABILITY",
  payload: { variables: { userId: 123 } },
  meta: { id: "0.5-1", timeoutMs: 10_000 },
};
const AVAILABLE = { userId: 123, status: "available", version: 7 };
const FULFILLED = { type: `${ASK.type}_FULFILLED`, payload: AVAILABLE, meta: { id: "0.5-1" } } as const;
const REJECTED = {
  type: `${ASK.type}_REJECTED`,
  payload: { error: { title: "Not found", detail: "no agent Marta" } },
  meta: { id: "0.5-1", source: "backend", status: 404 },
} as const;

const sent: TapRecord = { kind: "sent", at: 1, event: ASK };
const fulfilled: TapRecord = { kind: "settled", at: 9, event: ASK, settlement: FULFILLED, durationMs: 8 };
const rejected: TapRecord = { kind: "settled", at: 9, event: ASK, settlement: REJECTED, durationMs: 8 };

const ALL = new Set<EntryKind>(Object.values(FILTERS).flat());

test("has an entry for each record, with direction, type, id and duration", () => {
  const timeline = createTimeline();
  for (const record of [
    sent,
    fulfilled,
    { kind: "announced", at: 10, event: { type: "LIVE.STATE_CHANGED", payload: { state: "live", ageMs: 1 } } },
    { kind: "state", at: 11, state: "reconnecting" },
    { kind: "live", at: 12, state: "stale" },
    { kind: "frame", at: 13 },
    { kind: "handshake", at: 14, step: "SYN" },
  ] satisfies readonly TapRecord[]) {
    timeline.add(record);
  }
  expect(
    timeline.entries.map(({ serial, at, kind, direction, title, id, durationMs }) => [
      serial,
      at,
      kind,
      direction,
      title,
      id,
      durationMs,
    ]),
  ).toEqual([
    [1, 1, "sent", "out", ASK.type, "0.5-1", undefined],
    [2, 9, "fulfilled", "in", FULFILLED.type, "0.5-1", 8],
    [3, 10, "announced", "in", "LIVE.STATE_CHANGED", undefined, undefined],
    [4, 11, "state", "here", "Connector reconnecting", undefined, undefined],
    [5, 12, "live", "here", "Watches stale", undefined, undefined],
    [6, 13, "frame", "here", "Iframe loaded", undefined, undefined],
    [7, 14, "handshake", "in", "Handshake SYN", undefined, undefined],
  ]);
});

test("counts how often a request was sent, and begins anew with its settlement", () => {
  const timeline = createTimeline();
  expect([sent, sent, fulfilled, sent].map((record) => timeline.add(record).attempt)).toEqual([
    undefined,
    2,
    undefined,
    undefined,
  ]);
});

test("a request that was never sent was rejected in the page", () => {
  expect(createTimeline().add(rejected)).toMatchObject({ kind: "rejected", direction: "here" });
});

test("drops the oldest entries beyond its limit, and goes on counting", () => {
  const timeline = createTimeline(2);
  for (const record of [sent, fulfilled, rejected]) timeline.add(record);
  expect(timeline.entries.map(({ serial }) => serial)).toEqual([2, 3]);
  timeline.clear();
  expect(timeline.entries).toEqual([]);
  expect(timeline.add(sent).serial).toBe(4);
});

test.each<[string, boolean]>([
  ["", true],
  ["fetch_user", true],
  ["123 FULFILLED", true],
  ["0.5-1", true],
  ["123 rejected", false],
])("the search for %j finds the settlement: %s", (text, isFound) => {
  expect(matches(createTimeline().add(fulfilled), ALL, text)).toBe(isFound);
});

test("a filter hides the entries of its kinds", () => {
  expect(matches(createTimeline().add(sent), new Set(FILTERS.Rejected), "")).toBe(false);
  expect(matches(createTimeline().add(rejected), new Set(FILTERS.Rejected), "")).toBe(true);
});

test("each kind of entry has a filter, and one alone", () => {
  const kinds: Record<EntryKind, true> = {
    sent: true,
    fulfilled: true,
    rejected: true,
    announced: true,
    state: true,
    live: true,
    handshake: true,
    frame: true,
  };
  expect(Object.values(FILTERS).flat().sort()).toEqual(Object.keys(kinds).sort());
});

const register = (sessionId: string): TapRecord => ({
  kind: "settled",
  at: 0,
  event: { type: "BUS.REGISTER" },
  settlement: { type: "BUS.REGISTER_FULFILLED", payload: { sessionId } },
  durationMs: 1,
});

test("counts requests once, rejections, and repeats", () => {
  const timeline = createTimeline();
  const counter = createCounter();
  for (const record of [sent, sent, rejected, { kind: "sent", at: 2, event: { type: "BUS.PING" } } as const]) {
    counter.count(timeline.add(record));
  }
  expect(counter.read()).toEqual({ requests: 1, rejected: 1, coalesced: 0, retries: 1, streams: 0, bytes: 0 });
});

test("adds up the statistics of one widget after the other, and of the same widget once", () => {
  const timeline = createTimeline();
  const counter = createCounter();
  const statistics = { calls: 3, coalesced: 2, retries: 1, streams: 1, bytes: 500 };
  const steps: readonly (TapRecord | object)[] = [register("a"), statistics, register("a"), statistics];
  const take = (step: TapRecord | object): void => {
    if ("kind" in step) counter.count(timeline.add(step));
    else counter.update(step);
  };
  for (const step of steps) take(step);
  expect(counter.read()).toMatchObject({ coalesced: 2, retries: 1, streams: 1, bytes: 500 });
  for (const step of [register("b"), { ...statistics, bytes: 7 }]) take(step);
  expect(counter.read()).toMatchObject({ coalesced: 4, retries: 2, streams: 2, bytes: 507 });
});

test.each([undefined, null, "text", {}, { calls: 1, coalesced: "1", retries: 1, streams: 1, bytes: 1 }])(
  "ignores %j as statistics",
  (value) => {
    const counter = createCounter();
    counter.update(value);
    expect(counter.read()).toMatchObject({ bytes: 0, coalesced: 0 });
  },
);

test("a vector has the form of shared/vectors: event, backend and settlement, without the connector's id and timeout", () => {
  const write = (record: TapRecord): unknown => JSON.parse(writeVector(createTimeline().add(record), createRedactor()));
  const event = { type: ASK.type, payload: { variables: { userId: 1 } } };
  const body = { userId: 1, status: "available", version: 7 };
  expect(write(fulfilled)).toEqual({
    name: FULFILLED.type,
    event,
    backend: { status: 200, body },
    settlement: { type: FULFILLED.type, payload: body },
  });
  expect(write(rejected)).toEqual({
    name: REJECTED.type,
    event,
    backend: { status: 404, body: {} },
    settlement: { type: REJECTED.type, payload: { error: {} }, meta: { source: "backend", status: 404 } },
  });
  expect(write(sent)).toEqual({ name: ASK.type, event });
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_500, "1.5 kB"],
  [2_100_000, "2.1 MB"],
])("formats %d bytes as %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test.each([
  [8.44, "8.4 ms"],
  [3_020, "3.02 s"],
])("formats %d ms as %s", (duration, text) => {
  expect(formatDuration(duration)).toBe(text);
});
