import fc from "fast-check";
import { expect, test } from "vitest";
import { fulfilled, isRejected, isSettlementOf, MAX_TIMEOUT_MS, peek, readEvent, refused } from "./envelope.ts";
import { Refusal } from "./rejection.ts";

test("reads any value as an event or refuses it as an invalid request", () => {
  fc.assert(
    fc.property(fc.anything({ withBigInt: true, withMap: true, withNullPrototype: true }), (value) => {
      try {
        expect(readEvent(value).type).toBeTypeOf("string");
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
        expect(error.rejection.code).toBe("INVALID_REQUEST");
      }
      expect(peek(value).type).toBeTypeOf("string");
    }),
  );
});

test("carries any payload of JSON unchanged", () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      const payload: unknown = JSON.parse(text);
      expect(JSON.stringify(readEvent({ type: "A.B", payload }).payload)).toBe(JSON.stringify(payload));
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
  expect(() => readEvent(event)).toThrow(new RegExp(`^${field}: expected `));
});

test("keeps the meta that it knows and drops the rest", () => {
  const known = { id: "i".repeat(64), timeoutMs: MAX_TIMEOUT_MS, traceparent: "00-1" };
  expect(readEvent({ type: "A.B", meta: { ...known, colour: "red" }, more: 1 })).toStrictEqual({
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
  expect(peek(hostile)).toEqual({ type: "BUS.INVALID_EVENT" });
});

test("rejects with the refusal's own rejection, and hides the text of anything else", () => {
  expect(refused({ type: "A.B", id: "a" }, new Refusal("TIMEOUT", "late"))).toEqual({
    type: "A.B_REJECTED",
    payload: { error: { code: "TIMEOUT", message: "late", retryable: true } },
    meta: { id: "a", source: "bridge" },
  });
  expect(JSON.stringify(refused({ type: "A.B" }, new Error("secret")))).not.toContain("secret");
});

test("knows the settlements of a request from anything else", () => {
  const asked = { type: "A.B", id: "a" };
  const rejected = refused(asked, new Refusal("TIMEOUT", "late"));
  expect([fulfilled(asked, 1), rejected].map((answer) => isSettlementOf(asked, answer))).toEqual([true, true]);
  expect([fulfilled(asked, 1), rejected].map(isRejected)).toEqual([false, true]);
  const others = [null, 1, [], {}, fulfilled({ type: "A.B", id: "b" }, 1), fulfilled({ type: "A.C", id: "a" }, 1)];
  expect(others.filter((other) => isSettlementOf(asked, other))).toEqual([]);
  expect(isSettlementOf(asked, { ...rejected, payload: {} })).toBe(false);
});
