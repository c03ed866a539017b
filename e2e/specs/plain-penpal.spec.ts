/** A page with penpal 7 and without the connector. */
import { ASK_123, expect } from "../fixtures/fixtures.ts";
import { test } from "../fixtures/kept-page.ts";

test("a plain penpal page gets the agent's availability from the running gateway", async ({ page, host, gateway }) => {
  await page.goto(`${host.origin}/plain-penpal.html?widget=${encodeURIComponent(`${gateway.origin}/widget/`)}`);
  expect(await page.evaluate((event) => window.post(event), ASK_123)).toEqual({
    type: "API.FETCH_USER_AVAILABILITY_FULFILLED",
    payload: {
      userId: 123,
      status: "available",
      wrapUpTimeConfig: 30,
      wrapUpTimeTtl: 0,
      version: expect.any(Number),
    },
  });
});
