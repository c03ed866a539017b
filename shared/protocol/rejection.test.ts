import { expect, test } from "vitest";
import { BackendResponseError, BridgeRejectionError, describeIssue } from "./rejection.ts";

test("names the status of the backend's response, for the log of the side that throws it", () => {
  expect(new BackendResponseError(503, { detail: "busy" }, 7)).toMatchObject({
    name: "BackendResponseError",
    message: "The backend answered with status 503",
    body: { detail: "busy" },
    retryAfterSeconds: 7,
  });
});

test("lets whoever rejects say that a retry is of no use", () => {
  expect(new BridgeRejectionError("CONNECTION_CLOSED", "gone", undefined, false).rejection).toStrictEqual({
    code: "CONNECTION_CLOSED",
    message: "gone",
    retryable: false,
  });
});

test("calls the root of a request the event", () => {
  expect(describeIssue({ path: "", expected: "an object" })).toBe("event: expected an object");
});
