import fc from "fast-check";
import { expect, test } from "vitest";
import {
  isRejected,
  isSettlementOf,
  MAX_TIMEOUT_MS,
  parseEvent,
  readRequestRef,
  toFulfilled,
  toRejected,
} from "./envelope.ts";
import { BridgeRejectionError } from "./rejection.ts";

test("reads any value as an event or refuses it as an invalid request", () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true }), (value) => {
      try {
        expect(parseEvent(value).type).toBeTypeOf("string");
      } catch (error) {
        if (!(error instanceof BridgeRejectionError)) throw error;
        expect(error.rejection.code).toBe("INVALID_REQUEST");
      }
      expect(readRequestRef(value).type).toBeTypeOf("string");
    }),
  );
});

test("carries any payload of JSON unchanged", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const payload: unknown = JSON.parse(text);
      expect(JSON.stringify(parseEvent({ type: "A.B", payload }).payload)).toBe(JSON.stringify(payload));
    }),
  );
});

const AN_ID = "meta.id: expected a string of 1 to 64 characters";
const A_TIMEOUT = "meta.timeoutMs: expected whole milliseconds from 1 to 120000";

test.each<[string, unknown, string]>([
  ["a list", [], "event: expected an object"],
  ["no type", { payload: 1 }, "type: expected a string"],
  ["a type that is no text", { type: 7 }, "type: expected a string"],
  ["a meta that is no object", { type: "A.B", meta: [] }, "meta: expected an object"],
  ["a meta that is null", { type: "A.B", meta: null }, "meta: expected an object"],
  ["an empty id", { type: "A.B", meta: { id: "" } }, AN_ID],
  ["an id of 65 characters", { type: "A.B", meta: { id: "i".repeat(65) } }, AN_ID],
  ["an id that is no text", { type: "A.B", meta: { id: 7 } }, AN_ID],
  ["a life of 0 ms", { type: "A.B", meta: { timeoutMs: 0 } }, A_TIMEOUT],
  ["a life of half a millisecond", { type: "A.B", meta: { timeoutMs: 1.5 } }, A_TIMEOUT],
  ["a life that is a text", { type: "A.B", meta: { timeoutMs: "10" } }, A_TIMEOUT],
  ["a life that is too long", { type: "A.B", meta: { timeoutMs: MAX_TIMEOUT_MS + 1 } }, A_TIMEOUT],
])("refuses %s, and names the field and the expectation", (_name, event, message) => {
  expect(() => parseEvent(event)).toThrow(expect.objectContaining({ message }));
});

test("adds no key to an event that has only a type, and ignores a trace context and a look that are no texts and a token that is not denied", () => {
  expect(parseEvent({ type: "A.B" })).toStrictEqual({ type: "A.B" });
  expect(parseEvent({ type: "A.B", meta: { traceparent: 7, hasToken: 0, look: {} } })).toStrictEqual({
    type: "A.B",
    meta: {},
  });
});

test.each([7, "", "i".repeat(65)])("reads the type of an event with the id %j, and no id", (id) => {
  expect(readRequestRef({ type: "A.B", meta: { id } })).toEqual({ type: "A.B" });
});

test("keeps the meta that it knows and drops the rest", () => {
  const known = {
    id: "i".repeat(64),
    timeoutMs: MAX_TIMEOUT_MS,
    traceparent: "00-1",
    hasToken: false,
    look: "dark&de",
  };
  expect(parseEvent({ type: "A.B", meta: { ...known, colour: "red" }, more: 1 })).toStrictEqual({
    type: "A.B",
    meta: known,
  });
});

test("peeks at what throws when it is looked at", () => {
  const hostile = Object.defineProperty({}, "type", {
    get() {
      throw new Error("trapped");
    },
  });
  expect(readRequestRef(hostile)).toEqual({ type: "BUS.INVALID_EVENT" });
});

test("rejects with the refusal's own rejection, and hides the text of anything else", () => {
  expect(toRejected({ type: "A.B", id: "a" }, new BridgeRejectionError("TIMEOUT", "late"))).toEqual({
    type: "A.B_REJECTED",
    payload: { error: { code: "TIMEOUT", message: "late", retryable: true } },
    meta: { id: "a", source: "bridge" },
  });
  expect(toRejected({ type: "A.B" }, new Error("secret"))).toEqual({
    type: "A.B_REJECTED",
    payload: { error: { code: "INTERNAL", message: "A defect of the bridge", retryable: false } },
    meta: { source: "bridge" },
  });
});

test("knows the settlements of a request from anything else", () => {
  const asked = { type: "A.B", id: "a" };
  const rejected = toRejected(asked, new BridgeRejectionError("TIMEOUT", "late"));
  expect([toFulfilled(asked, 1), rejected].map((answer) => isSettlementOf(asked, answer))).toEqual([true, true]);
  expect([toFulfilled(asked, 1), rejected].map(isRejected)).toEqual([false, true]);
  const others = [null, 1, [], {}, toFulfilled({ type: "A.B", id: "b" }, 1), toFulfilled({ type: "A.C", id: "a" }, 1)];
  expect(others.filter((other) => isSettlementOf(asked, other))).toEqual([]);
  expect(isSettlementOf(asked, { ...rejected, type: "A.C_REJECTED" })).toBe(false);
  expect(isSettlementOf(asked, { ...rejected, payload: {} })).toBe(false);
});

test.each<[string, unknown, boolean]>([
  ["text of the backend", { payload: { error: "no such agent" }, meta: { id: "a", source: "backend" } }, true],
  ["nothing of the backend", { payload: {}, meta: { id: "a", source: "backend" } }, false],
  ["nothing at all", { meta: { id: "a", source: "backend" } }, false],
  ["text of the bridge", { payload: { error: "late" }, meta: { id: "a", source: "bridge" } }, false],
  ["text of nobody", { payload: { error: "late" }, meta: { id: "a" } }, false],
])("checks a rejection with %s as its error", (_error, rejection, isAccepted) => {
  expect(isSettlementOf({ type: "A.B", id: "a" }, Object.assign({ type: "A.B_REJECTED" }, rejection))).toBe(isAccepted);
});

test("takes nothing without a meta as the settlement of a request without an id", () => {
  expect(isSettlementOf({ type: "A.B" }, { type: "A.B_FULFILLED", payload: 1 })).toBe(false);
});
