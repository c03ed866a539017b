/** Attempts of a connection to reach a widget, and their delays. */
import { expect, test, vi } from "vitest";
import { ORIGIN, openTestConnection, timeUntilMount } from "./test-frame-connection.ts";

test("mounts an iframe at once, and another one when no SYN has come within the handshake timeout", async () => {
  const { frames } = openTestConnection();
  expect(frames).toHaveLength(1);
  expect(await timeUntilMount(frames)).toBe(10_000);
  expect(frames[0]?.remove).toHaveBeenCalledOnce();
});

test("halves the handshake timeout after a failed attempt, for requests that wait no longer", async () => {
  const { frames } = openTestConnection();
  await timeUntilMount(frames);
  expect(await timeUntilMount(frames)).toBe(5_000);
});

test("doubles the delay after each document without a widget, up to half of the handshake timeout", async () => {
  const { frames, lastFrame } = openTestConnection();
  const delays: number[] = [];
  for (let attempt = 0; attempt < 7; attempt += 1) {
    lastFrame().load();
    delays.push(await timeUntilMount(frames));
  }
  expect(delays).toEqual([500, 1_000, 2_000, 4_000, 5_000, 5_000, 5_000]);
});

test.each([
  [0, 500],
  [0.25, 438],
  [0.5, 375],
  [1, 250],
])("leaves half of each delay to chance: with a random number of %d it waits %d ms", async (random, delay) => {
  const { frames, lastFrame } = openTestConnection({ random });
  lastFrame().load();
  expect(await timeUntilMount(frames)).toBe(delay);
});

test("starts with the first delay again after a handshake", async () => {
  const { frames, lastFrame, lastPort, events } = openTestConnection();
  for (let attempt = 0; attempt < 4; attempt += 1) {
    lastFrame().load();
    await timeUntilMount(frames);
  }
  await lastPort().connect();
  expect(events.onConnected).toHaveBeenCalledOnce();
  // The iframe shows a page that is no widget: the ping has no reply within 2,000 ms, and the delay of 500 ms follows.
  lastFrame().load();
  expect(await timeUntilMount(frames)).toBe(2_500);
});

test("gives a handshake that has begun late the whole handshake timeout", async () => {
  const { frames, lastPort } = openTestConnection();
  await vi.advanceTimersByTimeAsync(9_999);
  lastPort().sendSyn();
  expect(await timeUntilMount(frames)).toBe(10_000);
});

test("mounts another iframe half a handshake timeout after a load during the handshake", async () => {
  const { frames, lastFrame, lastPort } = openTestConnection();
  await vi.advanceTimersByTimeAsync(1_000);
  lastPort().sendSyn();
  // Another document, which has replaced the widget before the handshake ended.
  lastFrame().load();
  expect(await timeUntilMount(frames)).toBe(5_000);
});

test("gives each document that loads during the handshake half a handshake timeout", async () => {
  const { frames, lastFrame, lastPort } = openTestConnection();
  lastPort().sendSyn();
  lastFrame().load();
  await vi.advanceTimersByTimeAsync(1_000);
  lastFrame().load();
  expect(await timeUntilMount(frames)).toBe(5_000);
});

test("allows the widget's origin alone", () => {
  expect(openTestConnection().lastPort().options.origins).toEqual([ORIGIN]);
});

test("leaves a busy page half a handshake timeout after the load of the widget, and sets no retry timer after the handshake", async () => {
  const { frames, lastFrame, lastPort } = openTestConnection();
  lastPort().sendSyn();
  lastFrame().load();
  await vi.advanceTimersByTimeAsync(4_999);
  await lastPort().connect();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(frames).toHaveLength(1);
});

test("mounts no iframe while nothing is pending, and one for the next request", async () => {
  const { connection, frames, page } = openTestConnection();
  page.hasPendingWork = false;
  await vi.advanceTimersByTimeAsync(600_000);
  expect(frames).toHaveLength(1);
  expect(vi.getTimerCount()).toBe(0);
  connection.connect();
  expect(frames).toHaveLength(2);
  connection.connect();
  expect(frames).toHaveLength(2);
});

test("accepts the SYN of a widget that comes after the attempt has failed", async () => {
  const { connection, frames, page, lastPort, events } = openTestConnection();
  page.hasPendingWork = false;
  await vi.advanceTimersByTimeAsync(600_000);
  await lastPort().connect();
  expect(events.onConnected).toHaveBeenCalledOnce();
  connection.connect();
  expect(frames).toHaveLength(1);
});

test.each(["isWatching", "isObserved"] as const)(
  "goes on trying without a request while the page is visible and %s, and again as soon as it is shown",
  async (reason) => {
    const { frames, page, resumePage } = openTestConnection();
    page.hasPendingWork = false;
    page[reason] = true;
    expect(await timeUntilMount(frames)).toBe(10_000);
    expect(await timeUntilMount(frames)).toBe(5_000);
    page.hidden = true;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(frames).toHaveLength(3);
    expect(vi.getTimerCount()).toBe(0);
    page.hidden = false;
    resumePage("visibilitychange");
    expect(frames).toHaveLength(4);
    page[reason] = false;
    await vi.advanceTimersByTimeAsync(600_000);
    expect(frames).toHaveLength(4);
  },
);

test("mounts a new iframe when the network is back and requests are pending", () => {
  const { frames, page, resumePage } = openTestConnection();
  page.hasPendingWork = false;
  resumePage("online");
  expect(frames).toHaveLength(1);
  page.hasPendingWork = true;
  resumePage("online");
  expect(frames).toHaveLength(2);
});

test.each(["pageshow", "visibilitychange"] as const)(
  "mounts a new iframe on %s after a failed attempt only, and not while the page is hidden",
  async (type) => {
    const { frames, page, resumePage } = openTestConnection();
    resumePage(type);
    expect(frames).toHaveLength(1);
    await timeUntilMount(frames);
    page.hidden = true;
    resumePage(type);
    expect(frames).toHaveLength(2);
    page.hidden = false;
    resumePage(type);
    expect(frames).toHaveLength(3);
  },
);
