import { expect, test } from "vitest";
import { toRejected } from "./envelope.ts";
import { ConnectionError, ContractError, isBusError, RejectedError, TimeoutError, toBusError } from "./errors.ts";
import { BridgeRejectionError, type RejectionCode } from "./rejection.ts";

const event = { type: "A.B", payload: 1 };

test.each<[RejectionCode, new (...given: never) => Error, boolean]>([
  ["TIMEOUT", TimeoutError, true],
  ["WIDGET_UNAVAILABLE", ConnectionError, true],
  ["CONNECTION_CLOSED", ConnectionError, true],
  ["INVALID_REQUEST", ContractError, false],
  ["UNKNOWN_EVENT", ContractError, false],
  ["INVALID_RESPONSE", ContractError, false],
  ["BACKEND_UNREACHABLE", RejectedError, true],
  ["BACKEND_TIMEOUT", RejectedError, true],
  ["OVERLOADED", RejectedError, true],
  ["INTERNAL", RejectedError, false],
])("turns %s into the error of who must act", (code, kind, retryable) => {
  const rejected = toRejected(event, new BridgeRejectionError(code, "why"));
  const error = toBusError(event, rejected);
  expect(error).toBeInstanceOf(kind);
  expect(isBusError(error)).toBe(true);
  expect(error).toMatchObject({ name: kind.name, message: "why", code, event, retryable });
  expect(error.error).toBe(rejected.payload.error);
});

test.each([
  [404, false],
  [500, false],
  [408, true],
  [429, true],
  [502, true],
  [503, true],
  [504, true],
])("carries the backend's own body and its status %d", (status, retryable) => {
  const body = { code: "TIMEOUT", message: "not the bridge's" };
  const meta = { source: "backend", status } as const;
  const error = toBusError(event, { type: "A.B_REJECTED", payload: { error: body }, meta });
  expect(error).toBeInstanceOf(RejectedError);
  expect(error).toMatchObject({ status, retryable, event });
  expect(error.message).toBe(`A.B was rejected by the backend with status ${status}`);
  expect(error.error).toBe(body);
  expect(error.code).toBeUndefined();
});

test("knows its errors from any other value", () => {
  expect([new Error("plain"), null, undefined, "text", { name: "TimeoutError" }].filter(isBusError)).toEqual([]);
});

test.each(["INVALID_LICENCE", "UNKNOWN_REGION", "BACKEND_FORBIDDEN", "TIMEOUT_EXCEEDED", "toString", "__proto__"])(
  "goes by no spelling of a code that this version does not know: %s is an error for the caller, retryable as the widget says",
  (code) => {
    for (const retryable of [true, false]) {
      const error = toBusError(event, {
        type: "A.B_REJECTED",
        payload: { error: { code, message: "why", retryable } },
        meta: { source: "bridge" },
      });
      expect(error).toBeInstanceOf(RejectedError);
      expect(error).toMatchObject({ code, retryable });
    }
  },
);
