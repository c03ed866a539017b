import { expect, test } from "vitest";
import { RateBudgetError, UnsupportedStatusError, UpstreamError } from "../upstream/upstream.ts";
import { toErrorResponse } from "./error-response.ts";

test("names the rejected status and the statuses that the upstream can set", async () => {
  const response = toErrorResponse(new UnsupportedStatusError("in_call", ["available", "do_not_disturb"]));
  expect(response?.status).toBe(422);
  await expect(response?.json()).resolves.toMatchObject({
    status: 422,
    detail: "The telephony system cannot set in_call, only available or do_not_disturb",
  });
});

test("sends Retry-After when the upstream's request budget is used up", async () => {
  const response = toErrorResponse(new RateBudgetError(42));
  expect([response?.status, response?.headers.get("Retry-After")]).toEqual([503, "42"]);
  await expect(response?.json()).resolves.toMatchObject({
    detail: "The telephony system must not be called for another 42 seconds",
  });
});

test.each([
  ["did not answer in time", new UpstreamError("Silent", { isTimeout: true }), 504],
  ["cannot be reached", new UpstreamError("Refused"), 502],
])("responds that the upstream %s, with Retry-After", async (what, failure, status) => {
  const response = toErrorResponse(failure);
  expect([response?.status, response?.headers.get("Retry-After")]).toEqual([status, "5"]);
  await expect(response?.json()).resolves.toMatchObject({ status, detail: `The telephony system ${what}` });
});
