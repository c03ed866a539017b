/** Heartbeat of a connection: pings, and the end of a widget that hangs. */
import { expect, test, vi } from "vitest";
import { openTestConnection, timeUntilMount } from "./test-frame-connection.ts";

test("sends a ping each heartbeat interval while requests are pending, and none from then on", async () => {
  const { connection, page, lastPort } = openTestConnection();
  await lastPort().connect();
  const port = lastPort();
  void connection.post({ type: "TEST.ASK" });
  const pings: number[] = [];
  for (let interval = 0; interval < 4; interval += 1) {
    await vi.advanceTimersByTimeAsync(2_000);
    pings.push(port.pings());
    port.posted.at(-1)?.reply();
  }
  expect(pings).toEqual([1, 2, 3, 4]);
  page.hasPendingWork = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(port.pings()).toBe(4);
});

test("sends a ping each 15 s while it watches, with one timer at a time, and each heartbeat interval during a request", async () => {
  const { connection, page, lastPort } = openTestConnection();
  await lastPort().connect();
  const port = lastPort();
  const pings: number[] = [];
  const pingTimes = async (milliseconds: number): Promise<number[]> => {
    pings.length = 0;
    for (let elapsed = 0; elapsed < milliseconds; elapsed += 500) {
      await vi.advanceTimersByTimeAsync(500);
      if (Object(port.posted.at(-1)?.event).type !== "BUS.PING") continue;
      port.posted.splice(-1)[0]?.reply();
      pings.push(elapsed + 500);
    }
    return pings;
  };
  page.isWatching = true;
  void connection.post({ type: "API.WATCH_AVAILABILITIES" });
  expect(await pingTimes(6_000)).toEqual([2_000, 4_000, 6_000]);
  page.hasPendingWork = false;
  const setTimeouts = vi.spyOn(globalThis, "setTimeout");
  // The heartbeat of the last request finds no request any more, and the longer interval begins.
  expect(await pingTimes(62_000)).toEqual([17_000, 32_000, 47_000, 62_000]);
  expect(setTimeouts.mock.calls.length).toBeLessThanOrEqual(5);
  page.hasPendingWork = true;
  void connection.post({ type: "TEST.ASK" });
  // The longer interval would have ended after 15 s.
  expect(await pingTimes(17_000)).toEqual([2_000, 4_000, 6_000, 8_000, 10_000, 12_000, 14_000, 16_000]);
});

test("finds a widget that hangs within 30 s while it only watches, and mounts a new iframe", async () => {
  const { connection, frames, page, lastPort, events } = openTestConnection();
  await lastPort().connect();
  page.isWatching = true;
  page.hasPendingWork = false;
  void connection.post({ type: "API.WATCH_AVAILABILITIES" });
  lastPort().posted[0]?.reply();
  expect(await timeUntilMount(frames)).toBeLessThanOrEqual(30_000);
  expect(events.onLost).toHaveBeenCalledExactlyOnceWith(undefined);
});

test("takes a page with an iframe named `hidden` for visible: finds a widget that hangs, retries, and reports that the page is back", async () => {
  const { connection, frames, page, lastPort, resumePage, events } = openTestConnection();
  // The property of the document is then the iframe's window.
  Object.assign(page, { hidden: {}, isWatching: true, hasPendingWork: false });
  expect(await timeUntilMount(frames)).toBe(10_000);
  await lastPort().connect();
  resumePage("visibilitychange");
  expect(events.onResumed).toHaveBeenCalledOnce();
  void connection.post({ type: "API.WATCH_AVAILABILITIES" });
  lastPort().posted[0]?.reply();
  expect(await timeUntilMount(frames)).toBe(30_000);
});

test("runs no timer while it watches on a hidden page, and the heartbeat from the next message on", async () => {
  const { connection, page, lastPort } = openTestConnection();
  await lastPort().connect();
  page.isWatching = true;
  page.hasPendingWork = false;
  void connection.post({ type: "API.WATCH_AVAILABILITIES" });
  page.hidden = true;
  await vi.advanceTimersByTimeAsync(15_000);
  expect([lastPort().pings(), vi.getTimerCount()]).toEqual([0, 0]);
  page.hidden = false;
  void connection.post({ type: "API.WATCH_AVAILABILITIES" });
  await vi.advanceTimersByTimeAsync(15_000);
  expect(lastPort().pings()).toBe(1);
});

test("sends no ping for a request that is settled within the heartbeat interval", async () => {
  const { connection, page, lastPort } = openTestConnection();
  await lastPort().connect();
  void connection.post({ type: "TEST.ASK" });
  page.hasPendingWork = false;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(lastPort().pings()).toBe(0);
});

test("sends no ping before the handshake", async () => {
  const { ports, lastPort } = openTestConnection();
  await vi.advanceTimersByTimeAsync(9_000);
  expect(ports).toHaveLength(1);
  expect(lastPort().posted).toEqual([]);
});

test("removes every iframe of the origin when a ping has no reply, and mounts new ones only then", async () => {
  const hung = openTestConnection();
  const other = openTestConnection();
  await hung.lastPort().connect();
  await other.lastPort().connect();
  void hung.connection.post({ type: "TEST.ASK" });
  const removals = other.frames[0]?.remove.mock;
  expect(await timeUntilMount(hung.frames)).toBe(4_000);
  expect([hung.frames.length, other.frames.length]).toEqual([2, 2]);
  expect(removals?.calls).toHaveLength(1);
  expect(hung.events.onLost).toHaveBeenCalledExactlyOnceWith(undefined);
  expect(other.events.onLost).toHaveBeenCalledExactlyOnceWith(undefined);
});

test.each(["reply", "reject"] as const)("keeps the iframe when a ping has a %s", async (outcome) => {
  const { connection, frames, lastPort } = openTestConnection();
  await lastPort().connect();
  void connection.post({ type: "TEST.ASK" });
  for (let interval = 0; interval < 10; interval += 1) {
    await vi.advanceTimersByTimeAsync(2_000);
    lastPort().posted.at(-1)?.[outcome]();
  }
  expect(frames).toHaveLength(1);
});

test("finds a widget that hangs within two intervals, however often the page sends a request", async () => {
  const { connection, frames, lastPort } = openTestConnection();
  await lastPort().connect();
  for (let elapsed = 0; elapsed < 4_000; elapsed += 500) {
    void connection.post({ type: "TEST.ASK" });
    expect(frames).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(500);
  }
  expect(frames).toHaveLength(2);
});
