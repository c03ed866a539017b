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

test.each<[string, unknown, string]>([
  ["a list", [], "event"],
  ["no type", { payload: 1 }, "type"],
  ["a type that is no text", { type: 7 }, "type"],
  ["a meta that is no object", { type: "A.B", meta: [] }, "meta"],
  ["a meta that is null", { type: "A.B", meta: null }, "meta"],
  ["an empty id", { type: "A.B", meta: { id: "" } }, "meta.id"],
  ["an id of 65 characters", { type: "A.B", meta: { id: "i".repeat(65) } }, "meta.id"],
  ["a life of 0 ms", { type: "A.B", meta: { timeoutMs: 0 } }, "meta.timeoutMs"],
  ["a life that is too long", { type: "A.B", meta: { timeoutMs: MAX_TIMEOUT_MS + 1 } }, "meta.timeoutMs"],
])("refuses %s and names the field", (_name, event, field) => {
  expect(() => parseEvent(event)).toThrow(new RegExp(`^${field}: expected `));
});

test("keeps the meta that it knows and drops the rest", () => {
  const known = { id: "i".repeat(64), timeoutMs: MAX_TIMEOUT_MS, traceparent: "00-1" };
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
  expect(JSON.stringify(toRejected({ type: "A.B" }, new Error("secret")))).not.toContain("secret");
});

test("knows the settlements of a request from anything else", () => {
  const asked = { type: "A.B", id: "a" };
  const rejected = toRejected(asked, new BridgeRejectionError("TIMEOUT", "late"));
  expect([toFulfilled(asked, 1), rejected].map((answer) => isSettlementOf(asked, answer))).toEqual([true, true]);
  expect([toFulfilled(asked, 1), rejected].map(isRejected)).toEqual([false, true]);
  const others = [null, 1, [], {}, toFulfilled({ type: "A.B", id: "b" }, 1), toFulfilled({ type: "A.C", id: "a" }, 1)];
  expect(others.filter((other) => isSettlementOf(asked, other))).toEqual([]);
  expect(isSettlementOf(asked, { ...rejected, payload: {} })).toBe(false);
});
