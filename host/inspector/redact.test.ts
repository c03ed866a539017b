/** What may leave the page. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { cloneJson } from "../../shared/protocol/json.ts";
import { createCounter } from "./counters.ts";
import { redactEntry, writeExport, writeVector } from "./export.ts";
import { createRedactor } from "./redact.ts";
import type { TapRecord } from "./tap.ts";
import { createTimeline } from "./timeline.ts";

/** Secrets, used as values of fields and as names of unknown fields. */
const secret = fc
  .stringMatching(/^[a-z0-9]{3,12}\.[A-Za-z0-9_-]{5,20}\.[a-z0-9]{3,12}$/)
  .map((text) => `SECRET-${text}`);

/** Names of listed fields, and of unknown fields. */
const fieldName = fc.oneof(
  fc.constantFrom("payload", "meta", "variables", "error", "traits", "issues", "path", "type", "userId", "userIds"),
  fc.constantFrom("added", "removed", "id", "status", "state", "source", "code", "services", "events", "version"),
  fc.constantFrom("token", "name", "email", "origin", "appName", "release", "message", "title", "detail", "expected"),
  fc.constantFrom("__proto__", "constructor", "123", "5", "toString", "sessionId", "traceparent"),
  secret,
);

/** JSON of any shape with nothing but secrets as texts. */
const { payload: anyJson } = fc.letrec<{ payload: unknown }>((tie) => ({
  payload: fc.oneof(
    { maxDepth: 5, withCrossShrink: true },
    secret,
    fc.integer(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie("payload"), { maxLength: 4 }),
    fc.dictionary(fieldName, tie("payload"), { maxKeys: 6 }),
  ),
}));

const event = fc.record(
  { type: fc.oneof(secret, fc.constant("API.FETCH_USER_AVAILABILITY")), payload: anyJson, meta: anyJson },
  { requiredKeys: ["type"] },
);

function makeTimeline(events: readonly { type: string }[]) {
  const timeline = createTimeline();
  for (const [index, each] of events.entries()) {
    const settlement = { ...each, type: `${each.type}_REJECTED` } as never;
    const records: readonly TapRecord[] = [
      { kind: "sent", at: index, event: each },
      { kind: "settled", at: index, event: each, settlement, durationMs: 1 },
      { kind: "announced", at: index, event: each },
    ];
    for (const record of records) timeline.add(record);
  }
  return timeline;
}

test("no text of an event, and no name of an unknown field, is ever in an export, a vector or a line of the log", () => {
  fc.assert(
    fc.property(fc.array(event, { maxLength: 4 }), (events) => {
      const { entries } = makeTimeline(events);
      const redactor = createRedactor();
      const texts = [
        writeExport(entries, createCounter().read(), redactor),
        ...entries.map((entry) => writeVector(entry, redactor)),
        ...entries.map((entry) => JSON.stringify(redactEntry(entry, redactor))),
      ];
      expect(texts.join("\n")).not.toContain("SECRET");
    }),
  );
});

test("control: the same events have secrets before", () => {
  const [sample = []] = fc.sample(fc.array(event, { minLength: 20, maxLength: 20 }), { numRuns: 1, seed: 1 });
  expect(JSON.stringify(sample)).toContain("SECRET");
});

test("numbers of unknown fields, and a token, a name and a message, are left out of real events", () => {
  const redactor = createRedactor();
  expect(
    redactor.redactEvent({
      type: "HOST.FETCH_TOKEN_FULFILLED",
      payload: {
        token: "eyJhbGciOi.J9.x",
        name: "Marta Oyelaran",
        phone: 447911123456,
        error: { message: "Marta is away" },
      },
      meta: { id: "0.123-7", tenant: "acme" },
    }),
  ).toEqual({ type: "UNKNOWN.EVENT", payload: { error: {} }, meta: { id: "r1" } });
});

test("agents and requests have numbers in the order in which they appear, the same in each event", () => {
  const redactor = createRedactor();
  const availability = { status: "available", wrapUpTimeConfig: 30, wrapUpTimeTtl: 0, version: 7 };
  expect(
    redactor.redactEvent({
      type: "API.WATCH_AVAILABILITIES_FULFILLED",
      payload: { 505: { userId: 505, ...availability }, 77: { error: { title: "No" }, status: 404 } },
    }),
  ).toEqual({
    type: "API.WATCH_AVAILABILITIES_FULFILLED",
    // In the order of the keys, 77 first.
    payload: { 1: { error: {}, status: 404 }, 2: { userId: 2, ...availability } },
  });
  expect(
    redactor.redactEvent({
      type: "API.CHANGE_WATCHED_USERS",
      payload: { variables: { added: [505, 9], removed: ["9", -1, 1.5] } },
      meta: { id: "marta" },
    }),
  ).toEqual({
    type: "API.CHANGE_WATCHED_USERS",
    payload: { variables: { added: [2, 3], removed: [] } },
    meta: { id: "r1" },
  });
});

test("a rejection of the bridge keeps its code, and paths of known fields", () => {
  const redactor = createRedactor();
  const issues = [
    { path: "payload.variables.userId", expected: "a whole number from 1" },
    { path: "payload.marta@example.com", expected: "no such key" },
  ];
  expect(
    redactor.redactEvent({
      type: "API.FETCH_USER_AVAILABILITY_REJECTED",
      payload: { error: { code: "INVALID_REQUEST", message: "for Marta", retryable: false, issues } },
      meta: { source: "bridge", status: 400 },
    }),
  ).toEqual({
    type: "API.FETCH_USER_AVAILABILITY_REJECTED",
    payload: {
      error: { code: "INVALID_REQUEST", retryable: false, issues: [{ path: "payload.variables.userId" }, {}] },
    },
    meta: { source: "bridge", status: 400 },
  });
});

test.each([undefined, null, 7, "text", [], true])("what is no object, such as %j, has no copy", (value) => {
  expect(createRedactor().redactEvent(value)).toBeUndefined();
});

test("a copy is JSON again", () => {
  fc.assert(
    fc.property(event, (each) => {
      const copy = createRedactor().redactEvent(each);
      expect(cloneJson(copy)).toEqual(copy);
    }),
  );
});
