import { expect, test } from "vitest";
import { serializeError } from "./serialize-error.ts";

test("includes an error's type, message, stack and causes", () => {
  const error = new RangeError("too far", { cause: new Error("too long") });
  expect(serializeError(error)).toEqual({
    type: "RangeError",
    message: "too far",
    stack: error.stack,
    cause: { type: "Error", message: "too long", stack: expect.stringContaining("Error: too long\n    at ") },
  });
});

test("omits an error's other properties", () => {
  const error = Object.assign(new Error("refused"), { body: "payload", request: { headers: { authorization: "x" } } });
  expect(Object.keys(serializeError(error))).toEqual(["type", "message", "stack"]);
});

test.each([
  ["a text", "string", "a text"],
  [undefined, "undefined", "undefined"],
  [{ token: "secret" }, "object", "[object Object]"],
])("describes %j, which is not an Error", (thrown, type, message) => {
  expect(serializeError(thrown)).toEqual({ type, message });
});

const TOKEN = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjMifQ.c2lnbmF0dXJl";

test.each([
  [`cannot use ${TOKEN} here`, "cannot use [token] here"],
  [`"Authorization: Bearer abc.def-123"`, `"Authorization: Bearer [secret]"`],
  ["authorization: basic dXNlcjpwYXNz, and more", "authorization: basic [secret], and more"],
  ["cannot reach redis://user:pass@127.0.0.1:6379/0", "cannot reach redis://[secret]@127.0.0.1:6379/0"],
  ["GET https://api.example.com/v1/users?token=abc failed", "GET https://api.example.com/v1/users?[query] failed"],
  ["GET /v1/users?token=abc failed", "GET /v1/users?[query] failed"],
])("removes the secret from %j", (message, rest) => {
  const { message: serialized, stack = "" } = serializeError(new Error(message));
  expect(serialized).toBe(rest);
  expect(stack).not.toMatch(/abc|eyJ|dXNl|user:pass/);
});

test("removes secrets from causes, and stops at an error that is its own cause", () => {
  const error = new Error(TOKEN);
  error.cause = error;
  expect(JSON.stringify(serializeError(error))).not.toContain("eyJ");
});

test("truncates a text to 8,000 characters", () => {
  expect(serializeError("a".repeat(10_000)).message).toHaveLength(8000);
});
