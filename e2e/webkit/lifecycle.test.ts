/** In-flight requests when the connector or its frame is removed, over the built files, in WebKit. */
import { expect } from "vitest";
import { ASK_123, AVAILABLE } from "../fixtures/host-page.ts";
import { ask, openConnected, settle, test } from "./test.ts";

const FULFILLED = { type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload: { userId: 123, version: 7 } };

/** Longer than a script may take: a request that does not settle at once fails the test. */
const LONG_MS = 60_000;

test("destroy settles in-flight requests and removes the frame from the page", async ({ page, host, backend }) => {
  await openConnected(page, host, backend.origin);
  backend.answerWith({ hangs: true });
  await ask(page, LONG_MS);
  await expect.poll(() => backend.calls.length).toBe(1);
  const outcome = await page.evaluate(async () => {
    window.connector.destroy();
    const { length } = document.querySelectorAll("iframe");
    return { frames: length, settlement: await window.inFlight.settled, state: window.connector.state };
  });
  expect(outcome).toMatchObject({
    frames: 0,
    settlement: { payload: { error: { code: "CONNECTION_CLOSED", retryable: false } } },
    state: "closed",
  });
  await backend.calls[0]?.hungUp;
});

test("a request in flight when the frame reloads itself is sent again and fulfils", async ({ page, host, backend }) => {
  await openConnected(page, host, backend.origin);
  backend.answerWith({ hangs: true });
  await ask(page, LONG_MS);
  await expect.poll(() => backend.calls.length).toBe(1);
  await page.evaluate(() => {
    const states = [window.connector.state];
    window.connector.onStateChange((state) => states.push(state));
    Object.assign(window, { states });
  });
  backend.answerWith(AVAILABLE);
  await page.evaluateInFrame(0, () => location.reload());
  expect(await settle(page)).toMatchObject(FULFILLED);
  expect(await page.evaluate((): unknown => Reflect.get(window, "states"))).toEqual(["ready", "reconnecting", "ready"]);
});

test("a request in flight when the frame is removed settles at once", async ({ page, host, backend }) => {
  await openConnected(page, host, backend.origin);
  backend.answerWith({ hangs: true });
  await ask(page, LONG_MS);
  await expect.poll(() => backend.calls.length).toBe(1);
  await page.evaluate(() => document.querySelector("iframe")?.remove());
  expect(await settle(page)).toMatchObject({ payload: { error: { code: "CONNECTION_CLOSED", retryable: true } } });
});

test("the next request after the frame's removal mounts a new one and fulfils", async ({ page, host, backend }) => {
  await openConnected(page, host, backend.origin);
  await page.evaluate(() => document.querySelector("iframe")?.remove());
  const outcome = await page.evaluate(async (event) => {
    const settlement = await window.connector.dispatch(event);
    return { settlement, frames: document.querySelectorAll("iframe").length, state: window.connector.state };
  }, ASK_123);
  expect(outcome).toMatchObject({ settlement: FULFILLED, frames: 1, state: "ready" });
});
