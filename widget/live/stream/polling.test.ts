/** Tests of a feed behind a proxy that buffers the stream. */
import { describe, expect, test, vi } from "vitest";
import { BackendResponseError, BridgeRejectionError } from "../../../shared/protocol/rejection.ts";
import { CURRENT, change, changed, createScriptedGateway, HEARTBEAT } from "./test-scripted-gateway.ts";

const UNREACHABLE = new BridgeRejectionError("BACKEND_UNREACHABLE", "The backend could not be reached");

/** A feed that received users 1 and 2 in a snapshot, up to the cursor `a-1`, after a stream without a byte. */
async function polled() {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  const gateway = await createScriptedGateway();
  await gateway.stream().open();
  await gateway.pass(30_000);
  await gateway
    .snapshotCall()
    .respond({ availabilities: [changed(1, 1), changed(2, 1)], ageMs: 0, cursor: "a-1", etag: "1" });
  return { ...gateway, warned };
}

/** The longest time between two polls: 15 s plus a fifth. */
const DUE_MS = 18_000;

test("polls after two heartbeat intervals without a byte, and not before", async () => {
  const { streams, snapshotCalls, stream, pass } = await createScriptedGateway();
  await stream().open();
  await pass(29_999);
  expect([streams[0]?.isAborted(), snapshotCalls.length]).toEqual([false, 0]);
  await pass(1);
  expect([streams[0]?.isAborted(), snapshotCalls.length]).toEqual([true, 1]);
});

test("polls also without the response's head, and logs one warning", async () => {
  const { snapshotCall, pass } = await createScriptedGateway();
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  await pass(30_000);
  await snapshotCall().respond({ availabilities: [], ageMs: 0, cursor: "a-1", etag: "1" });
  await pass(60_000);
  expect(warned).toHaveBeenCalledTimes(1);
});

test("polls if a proxy buffers the end of a snapshot", async () => {
  const { streams, snapshotCalls, stream, pass } = await createScriptedGateway();
  await stream().open();
  await stream().write("event: reset\nid\ndata: {}\n\n");
  await pass(45_000);
  expect([streams.length, snapshotCalls.length]).toEqual([1, 1]);
});

test("retries the stream if polling fails as well: the gateway is unreachable", async () => {
  const { streams, snapshotCalls, snapshotCall, events, pass } = await createScriptedGateway();
  await pass(30_000);
  await snapshotCall().fail(UNREACHABLE);
  await pass(1_000);
  expect([events, streams.length]).toEqual([[{ type: "stale" }], 2]);
  await pass(29_000);
  expect(snapshotCalls).toHaveLength(1);
});

test("aborts the first poll too if no response arrives before the next poll", async () => {
  const { streams, snapshotCalls, pass } = await createScriptedGateway();
  await pass(30_000);
  await pass(DUE_MS);
  await pass(1_000);
  expect([streams.length, snapshotCalls.every(({ isAborted }) => isAborted())]).toEqual([2, true]);
});

describe("while polling", () => {
  test("reports the first response as a snapshot", async () => {
    const { events } = await polled();
    expect(events).toEqual([
      { type: "reset" },
      { type: "availability", availability: changed(1, 1), ageMs: 0 },
      { type: "availability", availability: changed(2, 1), ageMs: 0 },
      { type: "current", cursor: "a-1" },
    ]);
  });

  test("reports the age of a response", async () => {
    const { snapshotCall, events, pass } = await polled();
    await pass(DUE_MS);
    await snapshotCall().respond({ availabilities: [changed(1, 2)], ageMs: 7_000, cursor: "a-2", etag: "2" });
    expect(events).toContainEqual(expect.objectContaining({ type: "availability", ageMs: 7_000 }));
  });

  test("reports the users with a new version and the removed users", async () => {
    const { events, snapshotCall, pass } = await polled();
    await pass(DUE_MS);
    const availabilities = [changed(1, 2), changed(3, 1)];
    await snapshotCall().respond({ availabilities, ageMs: 0, cursor: "a-4", etag: "4" });
    expect(events.slice(4)).toEqual([
      { type: "availability", availability: changed(1, 2), ageMs: 0, cursor: "a-1" },
      { type: "availability", availability: changed(3, 1), ageMs: 0, cursor: "a-1" },
      { type: "removal", userId: 2, version: 2, cursor: "a-1" },
      { type: "current", cursor: "a-4" },
    ]);
  });

  test("sends the entity tag, and reports no event for an unchanged response", async () => {
    const { events, snapshotCalls, snapshotCall, pass } = await polled();
    for (let polls = 0; polls < 3; polls += 1) {
      await pass(DUE_MS);
      await snapshotCall().respond(undefined);
    }
    expect(events).toHaveLength(4);
    expect(snapshotCalls.map(({ etag }) => etag)).toEqual([undefined, "1", "1", "1"]);
  });

  test.each([
    [0, 12_000],
    [0.5, 15_000],
    [1, 18_000],
  ])("polls every 15 s plus or minus a fifth: with random %d after %d ms", async (random, delayMs) => {
    const gateway = await createScriptedGateway();
    gateway.random = random;
    await gateway.pass(30_000);
    await gateway.snapshotCall().respond({ availabilities: [], ageMs: 0, cursor: "a-1", etag: "1" });
    await gateway.pass(delayMs - 1);
    expect(gateway.snapshotCalls).toHaveLength(1);
    await gateway.pass(1);
    expect(gateway.snapshotCalls).toHaveLength(2);
  });

  test("polls at the same interval after a failure, and obeys the gateway's retry delay", async () => {
    const { snapshotCalls, snapshotCall, pass } = await polled();
    await pass(DUE_MS);
    await snapshotCall().fail(UNREACHABLE);
    await pass(DUE_MS);
    await snapshotCall().fail(Object.assign(new BackendResponseError(429, undefined), { retryAfterSeconds: 60 }));
    await pass(59_999);
    expect(snapshotCalls).toHaveLength(3);
    await pass(1);
    expect(snapshotCalls).toHaveLength(4);
  });

  test("aborts a pending poll before the next poll", async () => {
    const { snapshotCalls, pass } = await polled();
    await pass(2 * DUE_MS);
    expect(snapshotCalls.map(({ isAborted }) => isAborted())).toEqual([true, true, false]);
  });

  test("retries the stream from the last cursor every five minutes, and polls until an event or heartbeat arrives", async () => {
    const { streams, snapshotCalls, stream, pass } = await polled();
    await pass(299_999);
    expect(streams).toHaveLength(1);
    await pass(1);
    expect([streams.length, stream().cursor]).toEqual([2, "a-1"]);
    const before = snapshotCalls.length;
    await stream().open();
    await pass(30_000);
    expect(snapshotCalls.length).toBeGreaterThan(before);
    await pass(300_000);
    expect(streams).toHaveLength(3);
  });

  test.each([
    ["a heartbeat", HEARTBEAT],
    ["a change", change(1, 2, "a-2")],
    ["a snapshot", `event: reset\nid\ndata: {}\n\n${CURRENT}`],
  ])("stops polling once the stream has delivered %s", async (_what, text) => {
    const { snapshotCalls, stream, pass } = await polled();
    await pass(300_000);
    await stream().open();
    await stream().write(text);
    const before = snapshotCalls.length;
    for (let heartbeats = 0; heartbeats < 40; heartbeats += 1) {
      await pass(15_000);
      await stream().write(HEARTBEAT);
    }
    expect(snapshotCalls).toHaveLength(before);
    expect(snapshotCalls.at(-1)?.isAborted()).toBe(true);
  });

  test("continues polling while the stream fails for another reason", async () => {
    const { streams, snapshotCalls, stream, pass } = await polled();
    await pass(300_000);
    await stream().fail(new BackendResponseError(503, undefined));
    const before = snapshotCalls.length;
    await pass(DUE_MS);
    expect(streams.length).toBeGreaterThan(2);
    expect(snapshotCalls.length).toBeGreaterThan(before);
  });

  test("polls at once when the page resumes, and retries the stream", async () => {
    const { feed, streams, snapshotCalls, snapshotCall, stream, pass } = await polled();
    vi.setSystemTime(Date.now() + 3_600_000);
    feed.checkConnection();
    await pass(0);
    expect([streams.length, stream().cursor, snapshotCalls.length]).toEqual([2, "a-1", 2]);
    await snapshotCall().respond(undefined);
    feed.checkConnection();
    await pass(0);
    expect([streams.length, snapshotCalls.length]).toEqual([2, 2]);
  });

  test("obeys the gateway's retry delay, however often the page resumes", async () => {
    const { feed, snapshotCalls, snapshotCall, pass } = await polled();
    await pass(DUE_MS);
    await snapshotCall().fail(Object.assign(new BackendResponseError(429, undefined), { retryAfterSeconds: 120 }));
    for (let looks = 0; looks < 5; looks += 1) {
      feed.checkConnection();
      await pass(1);
    }
    expect(snapshotCalls).toHaveLength(2);
    await pass(120_000);
    expect(snapshotCalls).toHaveLength(3);
  });

  test("stops when the feed is closed", async () => {
    const { feed, streams, snapshotCalls, pass } = await polled();
    feed.close();
    await pass(600_000);
    expect([streams.length, snapshotCalls.length, vi.getTimerCount()]).toEqual([1, 1, 0]);
  });
});
