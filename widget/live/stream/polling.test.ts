/** Tests of a feed behind a proxy that buffers the stream. */

import { describe, expect, onTestFinished, test, vi } from "vitest";
import { BackendResponseError, BridgeRejectionError } from "../../../shared/protocol/rejection.ts";
import { createTimerQueue } from "../../../shared/runtime/timer-queue.ts";
import { startPolling } from "./polling.ts";
import { CURRENT, change, changed, createScriptedGateway, HEARTBEAT } from "./test-scripted-gateway.ts";

const UNREACHABLE = new BridgeRejectionError("BACKEND_UNREACHABLE", "The backend could not be reached");

/** Counts warnings of one test, and keeps them from the console. */
function spyOnWarnings() {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  onTestFinished(() => warned.mockRestore());
  return warned;
}

/** A feed that received users 1 and 2 in a snapshot, up to the cursor `a-1`, after a stream without a byte. Its second stream is opening. */
async function polled() {
  const warned = spyOnWarnings();
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

/** The feed of `polled`, after a second stream without a byte: a proxy buffers the stream. The last poll was 12 s ago. */
async function proxied() {
  const gateway = await polled();
  await gateway.pass(DUE_MS);
  await gateway.snapshotCall().respond(undefined);
  await gateway.pass(30_000 - DUE_MS);
  return gateway;
}

/** The begin of a snapshot. */
const RESET = "event: reset\nid\ndata: {}\n\n";

test("polls after two heartbeat intervals without a byte, and not before", async () => {
  const { streams, snapshotCalls, stream, pass } = await createScriptedGateway();
  await stream().open();
  await pass(29_999);
  expect([streams[0]?.isAborted(), snapshotCalls.length]).toEqual([false, 0]);
  await pass(1);
  expect([streams[0]?.isAborted(), snapshotCalls.length]).toEqual([true, 1]);
});

test("polls also without the response's head, and logs one warning", async () => {
  const { streams, snapshotCall, pass } = await createScriptedGateway();
  const warned = spyOnWarnings();
  await pass(30_000);
  await snapshotCall().respond({ availabilities: [], ageMs: 0, cursor: "a-1", etag: "1" });
  for (let polls = 0; polls < 20; polls += 1) {
    await pass(DUE_MS);
    await snapshotCall().respond(undefined);
  }
  expect(streams).toHaveLength(3);
  expect(warned.mock.calls).toEqual([
    ["availability-bridge: a proxy buffers the gateway's event stream; polling every 15 s instead"],
  ]);
});

describe("after a silence of the network, which is no proxy's", () => {
  test("opens the stream at once when the gateway has answered a poll, and receives the next change by it", async () => {
    const { streams, snapshotCalls, stream, events, warned, pass } = await polled();
    expect([streams.length, stream().cursor]).toEqual([2, "a-1"]);
    await stream().open();
    await stream().write(HEARTBEAT);
    await stream().write(change(1, 2, "a-2"));
    expect(events.at(-1)).toMatchObject({ type: "availability", availability: changed(1, 2) });
    await pass(DUE_MS);
    expect([snapshotCalls.length, warned.mock.calls.length]).toEqual([1, 0]);
  });

  test("opens the stream again if the gateway has answered no poll while the second stream was silent", async () => {
    const { streams, warned, pass } = await polled();
    await pass(30_000);
    expect([streams.length, warned.mock.calls.length]).toEqual([3, 0]);
  });

  test.each([
    ["a heartbeat", HEARTBEAT],
    ["a change", change(1, 2, "a-2")],
  ])("counts streams from the last one that delivered %s", async (_what, text) => {
    const { streams, snapshotCall, stream, warned, pass } = await polled();
    await stream().open();
    await stream().write(text);
    await stream().disconnect();
    await pass(1_000);
    await pass(30_000);
    await snapshotCall().respond({ availabilities: [], ageMs: 0, cursor: "a-1", etag: "1" });
    expect([streams.length, warned.mock.calls.length]).toEqual([4, 0]);
  });

  test("opens the stream again if the silence began within a snapshot", async () => {
    const { streams, stream, snapshotCall, pass } = await createScriptedGateway();
    await stream().open();
    await stream().write(RESET);
    await pass(45_000);
    await snapshotCall().respond({ availabilities: [], ageMs: 0, cursor: "a-1", etag: "1" });
    expect([streams.length, stream().cursor]).toEqual([2, "a-1"]);
  });
});

test.each([
  ["all", RESET],
  ["all but a comment", RESET + HEARTBEAT],
])("polls on for five minutes if a proxy buffers %s after the begin of two snapshots", async (_what, text) => {
  const warned = spyOnWarnings();
  const { streams, stream, snapshotCalls, snapshotCall, pass } = await createScriptedGateway();
  for (const expected of [1, 2]) {
    await stream().open();
    await stream().write(text);
    await pass(45_000);
    expect([streams.length, snapshotCalls.length]).toEqual([expected, expected]);
    await snapshotCall().respond({ availabilities: [], ageMs: 0, cursor: "a-1", etag: "1" });
  }
  await pass(299_999);
  expect([streams.length, warned.mock.calls.length]).toEqual([2, 1]);
  expect(snapshotCalls.length).toBeGreaterThan(15);
});

test("polls if a proxy buffers the end of a snapshot", async () => {
  const { streams, snapshotCalls, stream, pass } = await createScriptedGateway();
  await stream().open();
  await stream().write(RESET);
  await pass(45_000);
  expect([streams.length, snapshotCalls.length]).toEqual([1, 1]);
});

test("polls if a proxy forwards the comment at the start of a stream and buffers everything after it", async () => {
  const { streams, snapshotCalls, stream, pass } = await createScriptedGateway();
  await stream().open();
  await stream().write(": open\n\n");
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

  test("reports the users with a new version, and the whole list if it lacks a user", async () => {
    const { events, snapshotCall, pass } = await polled();
    await pass(DUE_MS);
    const availabilities = [changed(1, 2), changed(2, 1), changed(3, 1)];
    await snapshotCall().respond({ availabilities, ageMs: 0, cursor: "a-4", etag: "4" });
    expect(events.slice(4)).toEqual([
      { type: "availability", availability: changed(1, 2), ageMs: 0, cursor: "a-1" },
      { type: "availability", availability: changed(3, 1), ageMs: 0, cursor: "a-1" },
      { type: "current", cursor: "a-4" },
    ]);
    await pass(DUE_MS);
    await snapshotCall().respond({ availabilities: availabilities.slice(0, 2), ageMs: 0, cursor: "a-5", etag: "5" });
    expect(events.slice(7)).toEqual([
      { type: "reset" },
      { type: "availability", availability: changed(1, 2), ageMs: 0 },
      { type: "availability", availability: changed(2, 1), ageMs: 0 },
      { type: "current", cursor: "a-5" },
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

  test("polls no earlier than the gateway's retry delay, also if the delay is shorter than the interval", async () => {
    const gateway = await createScriptedGateway();
    gateway.random = 0;
    await gateway.pass(30_000);
    await gateway.snapshotCall().respond({ availabilities: [], ageMs: 0, cursor: "a-1", etag: "1" });
    await gateway.pass(12_000);
    // The answer takes 5 s of the 12 s to the next poll.
    await gateway.pass(5_000);
    const busy = Object.assign(new BackendResponseError(429, undefined), { retryAfterSeconds: 10 });
    await gateway.snapshotCall().fail(busy);
    await gateway.pass(9_999);
    expect(gateway.snapshotCalls).toHaveLength(2);
    await gateway.pass(1);
    expect(gateway.snapshotCalls).toHaveLength(3);
  });

  test("aborts a pending poll before the next poll", async () => {
    const { snapshotCalls, pass } = await polled();
    await pass(2 * DUE_MS);
    expect(snapshotCalls.map(({ isAborted }) => isAborted())).toEqual([true, true, false]);
  });

  test("retries the stream from the last cursor every five minutes, and polls until an event or heartbeat arrives", async () => {
    const { streams, snapshotCalls, stream, pass } = await proxied();
    await pass(299_999);
    expect(streams).toHaveLength(2);
    await pass(1);
    expect([streams.length, stream().cursor]).toEqual([3, "a-1"]);
    const before = snapshotCalls.length;
    await stream().open();
    await pass(30_000);
    expect(snapshotCalls.length).toBeGreaterThan(before);
    await pass(300_000);
    expect(streams).toHaveLength(4);
  });

  test.each([
    ["a heartbeat", HEARTBEAT],
    ["a change", change(1, 2, "a-2")],
    ["a snapshot", `${RESET}${CURRENT}`],
  ])("stops polling once the stream has delivered %s", async (_what, text) => {
    const { snapshotCalls, stream, pass } = await proxied();
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
    const { streams, snapshotCalls, stream, pass } = await proxied();
    await pass(300_000);
    await stream().fail(new BackendResponseError(503, undefined));
    const before = snapshotCalls.length;
    await pass(DUE_MS);
    expect(streams.length).toBeGreaterThan(3);
    expect(snapshotCalls.length).toBeGreaterThan(before);
  });

  test("polls at once when the page resumes, and retries the stream", async () => {
    const { feed, streams, snapshotCalls, snapshotCall, stream, pass } = await proxied();
    vi.setSystemTime(Date.now() + 3_600_000);
    feed.checkConnection();
    await pass(0);
    expect([streams.length, stream().cursor, snapshotCalls.length]).toEqual([3, "a-1", 3]);
    await snapshotCall().respond(undefined);
    feed.checkConnection();
    await pass(0);
    expect([streams.length, snapshotCalls.length]).toEqual([3, 3]);
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

  test("tries the stream when the page resumes, also after a retry delay that has passed", async () => {
    spyOnWarnings();
    const { feed, streams, stream, snapshotCall, pass } = await createScriptedGateway();
    await stream().fail(Object.assign(new BackendResponseError(429, undefined), { retryAfterSeconds: 1 }));
    await pass(2_000);
    await pass(30_000);
    await snapshotCall().respond({ availabilities: [], ageMs: 0, cursor: "a-1", etag: "1" });
    await pass(DUE_MS);
    await snapshotCall().respond(undefined);
    await pass(30_000 - DUE_MS);
    expect(streams).toHaveLength(3);
    feed.checkConnection();
    await pass(0);
    expect(streams).toHaveLength(4);
  });

  test("aborts a poll that is pending when the feed is closed, and reports nothing about it", async () => {
    const { feed, events, snapshotCall, pass } = await createScriptedGateway();
    await pass(30_000);
    feed.close();
    await pass(0);
    expect([snapshotCall().isAborted(), events]).toEqual([true, []]);
  });

  test("stops when the feed is closed", async () => {
    const { feed, streams, snapshotCalls, pass } = await polled();
    feed.close();
    await pass(600_000);
    expect([streams.length, snapshotCalls.length, vi.getTimerCount()]).toEqual([2, 1, 0]);
  });
});

/** Polling over a gateway that ignores aborts, as if the response were on its way already. */
function startWithLateGateway() {
  vi.useFakeTimers();
  const calls: { respond(etag?: string): Promise<void>; fail(error?: Error): Promise<void> }[] = [];
  const [onSnapshot, onResponse, onFailure] = [vi.fn(), vi.fn(), vi.fn()];
  const polling = startPolling({
    fetchSnapshot: () =>
      new Promise((resolve, reject) => {
        calls.push({
          async respond(etag) {
            resolve(etag === undefined ? undefined : { availabilities: [], ageMs: 0, cursor: "a-1", etag });
            await vi.advanceTimersByTimeAsync(0);
          },
          async fail(error = UNREACHABLE) {
            reject(error);
            await vi.advanceTimersByTimeAsync(0);
          },
        });
      }),
    onSnapshot,
    onResponse,
    onFailure,
    random: () => 1,
    schedule: createTimerQueue().schedule,
  });
  onTestFinished(() => {
    polling.stop();
    vi.useRealTimers();
  });
  const counts = () => [onSnapshot, onResponse, onFailure].map(({ mock }) => mock.calls.length);
  return { polling, calls, counts };
}

describe("a poll", () => {
  test.each<[string, (call: { respond(etag?: string): Promise<void>; fail(): Promise<void> } | undefined) => unknown]>([
    ["response", (call) => call?.respond("1")],
    ["failure", (call) => call?.fail()],
  ])("that was stopped reports nothing of a late %s", async (_what, act) => {
    const { polling, calls, counts } = startWithLateGateway();
    polling.stop();
    await act(calls[0]);
    expect(counts()).toEqual([0, 0, 0]);
    expect(await polling.firstResult).toBe(false);
  });

  test("succeeds with an unchanged response, and fails without a response", async () => {
    const [unchanged, failed] = [startWithLateGateway(), startWithLateGateway()];
    await unchanged.calls[0]?.respond();
    expect([await unchanged.polling.firstResult, unchanged.counts()]).toEqual([true, [0, 1, 0]]);
    await failed.calls[0]?.fail();
    expect([await failed.polling.firstResult, failed.counts()]).toEqual([false, [0, 0, 1]]);
  });

  test("follows a resume of the page if the last response is older than 15 s, and at once after a sleep", async () => {
    const { polling, calls } = startWithLateGateway();
    await calls[0]?.respond("1");
    await vi.advanceTimersByTimeAsync(15_000);
    polling.pollIfStale(false);
    expect(calls).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    polling.pollIfStale(false);
    expect(calls).toHaveLength(2);
    await calls[1]?.respond("2");
    polling.pollIfStale(true);
    expect(calls).toHaveLength(3);
  });

  test("follows added users and a resume of the page at once, but not before the end of the gateway's retry delay", async () => {
    const { polling, calls } = startWithLateGateway();
    await calls[0]?.fail();
    polling.pollNow();
    expect(calls).toHaveLength(2);
    await calls[1]?.fail();
    polling.pollIfStale(false);
    expect(calls).toHaveLength(3);
    await calls[2]?.fail(Object.assign(new BackendResponseError(429, undefined), { retryAfterSeconds: 1 }));
    polling.pollNow();
    polling.pollIfStale(false);
    expect(calls).toHaveLength(3);
  });
});
