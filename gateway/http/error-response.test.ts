import { expect, test } from "vitest";
import { RateBudgetError, UnsupportedStatusError, UpstreamError } from "../upstream/upstream.ts";
import { toErrorResponse } from "./error-response.ts";

test("tells a status that the upstream has no way to set, and those that it has", async () => {
  const answer = toErrorResponse(new UnsupportedStatusError("in_call", ["available", "do_not_disturb"]));
  expect(answer?.status).toBe(422);
  await expect(answer?.json()).resolves.toMatchObject({
    status: 422,
    detail: "The telephony system cannot set in_call, only available or do_not_disturb",
  });
});

test("tells how long the upstream may not be asked", async () => {
  const answer = toErrorResponse(new RateBudgetError(42));
  expect([answer?.status, answer?.headers.get("Retry-After")]).toEqual([503, "42"]);
  await expect(answer?.json()).resolves.toMatchObject({
    detail: "The telephony system must not be called for another 42 seconds",
  });
});

test.each([
  ["did not answer in time", new UpstreamError("Silent", { isTimeout: true }), 504],
  ["cannot be reached", new UpstreamError("Refused"), 502],
])("tells that the upstream %s, and when to try again", async (what, failure, status) => {
  const answer = toErrorResponse(failure);
  expect([answer?.status, answer?.headers.get("Retry-After")]).toEqual([status, "5"]);
  await expect(answer?.json()).resolves.toMatchObject({ status, detail: `The telephony system ${what}` });
});
