import { expect, test } from "vitest";
import { toFailure, toFailureText } from "./failure-text.ts";
import { UpstreamError } from "./upstream.ts";

test.each([
  ["no response", new UpstreamError("No response", { isTimeout: true })],
  ["a response", new UpstreamError("Status 500", { status: 500, body: { error: "Internal" }, retryAfterSeconds: 9 })],
])("keeps %s", (_what, error) => {
  const { message, status, body, retryAfterSeconds, isTimeout } = error;
  expect(toFailure(toFailureText(error))).toMatchObject({ message, status, body, retryAfterSeconds, isTimeout });
});

test("leaves out a body that is too long, and keeps the rest", () => {
  const text = toFailureText(new UpstreamError("Status 500", { status: 500, body: "x".repeat(5_000) }));
  expect(toFailure(text)).toMatchObject({ message: "Status 500", status: 500, body: undefined });
});

test("is empty for other errors, and reads no failure from another text", () => {
  expect(toFailureText(new Error("defect"))).toBe("");
  for (const text of ["", "{", '{"message":1}', "[]"]) expect(toFailure(text)).toBeUndefined();
});
