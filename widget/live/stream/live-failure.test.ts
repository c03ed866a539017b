import { expect, test } from "vitest";
import { BackendResponseError, BridgeRejectionError } from "../../../shared/protocol/rejection.ts";
import { classifyError, MalformedResponseError } from "./live-failure.ts";

const NONE = { isUnauthorized: false, isForbidden: false, lacksRight: false, retryAfterMs: 0, defect: undefined };

test.each([
  [401, { isUnauthorized: true }],
  [403, { isForbidden: true, lacksRight: true }],
  [404, { isForbidden: true }],
  [429, {}],
  [500, {}],
])("classifies the gateway's status %d", (status, part) => {
  expect(classifyError(new BackendResponseError(status, undefined))).toEqual({ ...NONE, ...part });
});

test.each([
  [7, 7_000],
  [300, 300_000],
  [3_600, 300_000],
])("waits for a `Retry-After` of %d s, up to five minutes", (seconds, retryAfterMs) => {
  expect(classifyError(new BackendResponseError(503, undefined, seconds))).toEqual({ ...NONE, retryAfterMs });
});

test.each([new MalformedResponseError("what"), new BridgeRejectionError("INVALID_RESPONSE", "no stream of events")])(
  "calls a response outside the protocol a defect: %s",
  (error) => {
    expect(classifyError(error)).toEqual({ ...NONE, defect: error });
  },
);

test.each([
  new BridgeRejectionError("BACKEND_UNREACHABLE", "no network"),
  new TypeError("network error"),
  { status: "401", retryAfterSeconds: "7", rejection: "INVALID_RESPONSE" },
  null,
  undefined,
  "text",
])("calls any other failure none of these: %s", (error) => {
  expect(classifyError(error)).toEqual(NONE);
});

test("names the cause of a malformed response", () => {
  const cause = new Error("what");
  expect(new MalformedResponseError(cause)).toMatchObject({
    name: "MalformedResponseError",
    message: "The live response does not follow the gateway's protocol",
    cause,
  });
});
