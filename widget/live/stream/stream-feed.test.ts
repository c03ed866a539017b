import { describe, expect, test, vi } from "vitest";
import { BackendResponseError, BridgeRejectionError } from "../../../shared/protocol/rejection.ts";
import { CURRENT, change, changed, createScriptedGateway, HEARTBEAT } from "./test-scripted-gateway.ts";

const RESET = "event: reset\nid\ndata: {}\n\n";
const SNAPSHOT = `event: availability\ndata: ${JSON.stringify(changed(1, 1))}\n\n`;

/** A feed with a complete snapshot from the stream, up to the cursor `a-1`. */
async function followed() {
  const gateway = await createScriptedGateway();
  await gateway.stream().open();
  await gateway.stream().write(RESET + SNAPSHOT + CURRENT);
  return gateway;
}

function refusal(status: number, retryAfterSeconds?: number): BackendResponseError {
  return Object.assign(new BackendResponseError(status, undefined), { retryAfterSeconds });
}

describe("a stream", () => {
  test("is reported event by event, with the cursor once known", async () => {
    const { events, stream } = await followed();
    await stream().write(change(1, 2, "a-2"));
    await stream().write('event: removal\nid: a-3\ndata: {"userId":1,"version":3}\n\n');
    expect(events).toEqual([
      { type: "reset" },
      { type: "availability", availability: changed(1, 1), ageMs: 0 },
      { type: "current", cursor: "a-1" },
      { type: "availability", availability: changed(1, 2), ageMs: 0, cursor: "a-2" },
      { type: "removal", userId: 1, version: 3, cursor: "a-3" },
    ]);
  });

  test("is parsed however the bytes are split", async () => {
    const { events, stream } = await followed();
    for (const character of change(1, 2, "a-2")) await stream().write(character);
    expect(events.at(-1)).toMatchObject({ availability: { version: 2 }, cursor: "a-2" });
  });

  test("continues after an unknown event of a newer gateway", async () => {
    const { events, defects, stream, pass } = await followed();
    await stream().write("event: rumour\nid: a-2\ndata: what\n\n");
    await stream().end();
    await pass(1_000);
    expect([events.length, defects, stream().cursor]).toEqual([3, [], "a-2"]);
  });

  test("starts at the cursor given to the feed", async () => {
    const { stream } = await createScriptedGateway("a-7");
    expect(stream().cursor).toBe("a-7");
  });

  test("is resumed from the last cursor after a disconnect", async () => {
    const { streams, stream, pass } = await followed();
    await stream().write(change(1, 2, "a-2"));
    await stream().disconnect();
    await pass(1_000);
    expect(streams.map(({ cursor }) => cursor)).toEqual([undefined, "a-2"]);
  });

  test("is resumed from the last position although an event without one has come since", async () => {
    const { events, stream, pass } = await followed();
    await stream().write(`event: availability\ndata: ${JSON.stringify(changed(1, 2))}\n\n`);
    expect(events.at(-1)).toMatchObject({ availability: { version: 2 }, cursor: "a-1" });
    await stream().disconnect();
    await pass(1_000);
    expect(stream().cursor).toBe("a-1");
  });

  test("starts with a new snapshot after a disconnect within a snapshot, even if the stream had resumed from a cursor", async () => {
    const { streams, events, stream, pass } = await createScriptedGateway("a-7");
    await stream().open();
    await stream().write(RESET + SNAPSHOT);
    await stream().disconnect();
    await pass(1_000);
    expect(streams.map(({ cursor }) => cursor)).toEqual(["a-7", undefined]);
    expect(events.some((event) => "cursor" in event)).toBe(false);
  });

  test("reports no event and sends no request after the feed is closed", async () => {
    const { feed, events, streams, stream, pass } = await followed();
    feed.close();
    expect(stream().isAborted()).toBe(true);
    await pass(600_000);
    expect([events.length, streams.length]).toEqual([3, 1]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

test("a feed that is closed while it waits has no timer", async () => {
  const { feed, stream } = await createScriptedGateway();
  await stream().fail(refusal(503));
  feed.close();
  expect(vi.getTimerCount()).toBe(0);
});

describe("after a failure", () => {
  /** The maximum delay before each of the next streams, which all fail. */
  async function delaysOf({ streams, stream, pass }: Awaited<ReturnType<typeof createScriptedGateway>>, count: number) {
    const delays: number[] = [];
    while (delays.length < count) {
      const [before, begunAt] = [streams.length, performance.now()];
      await stream().fail(new BridgeRejectionError("BACKEND_UNREACHABLE", "The backend could not be reached"));
      while (streams.length === before) await pass(100);
      delays.push(performance.now() - begunAt);
    }
    return delays;
  }

  test("waits for up to a second, doubled with each failure up to 8 s", async () => {
    const gateway = await createScriptedGateway();
    expect(await delaysOf(gateway, 7)).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000, 8_000]);
  });

  test("waits for a random time from 0", async () => {
    const gateway = await createScriptedGateway();
    gateway.random = 0.25;
    expect(await delaysOf(gateway, 3)).toEqual([300, 500, 1_000]);
  });

  test("waits for up to a second after a stream that delivered a cursor", async () => {
    const gateway = await createScriptedGateway();
    await delaysOf(gateway, 5);
    await gateway.stream().open();
    await gateway.stream().write(CURRENT);
    await gateway.stream().end();
    await gateway.pass(1_000);
    expect(gateway.streams).toHaveLength(7);
  });

  test("treats a resumed stream with heartbeats alone as a success", async () => {
    const gateway = await createScriptedGateway("a-7");
    await delaysOf(gateway, 5);
    await gateway.stream().open();
    await gateway.stream().write(":\n\n");
    await gateway.stream().write(":\n\n");
    await gateway.stream().end();
    await gateway.pass(1_000);
    expect(gateway.streams).toHaveLength(7);
  });

  test("continues doubling while every stream ends within a snapshot", async () => {
    const { streams, stream, pass } = await createScriptedGateway();
    for (const delayMs of [1_000, 2_000, 4_000]) {
      const before = streams.length;
      await stream().open();
      await stream().write(RESET + SNAPSHOT);
      await stream().disconnect();
      await pass(delayMs - 1);
      expect(streams).toHaveLength(before);
      await pass(1);
      expect(streams).toHaveLength(before + 1);
    }
  });

  test("waits for at least the stream's `retry` delay", async () => {
    const { streams, stream, pass } = await followed();
    await stream().write("retry: 7000\n\n");
    await stream().end();
    await pass(7_999);
    expect(streams).toHaveLength(1);
    await pass(1);
    expect(streams).toHaveLength(2);
  });

  test.each([
    [403, [{ type: "stale" }]],
    [404, [{ type: "stale" }]],
    [429, []],
    [500, []],
    [503, []],
  ])("does not end the session on %i, and retries", async (status, reported) => {
    const { events, streams, stream, snapshotCalls, defects, pass } = await createScriptedGateway();
    await stream().fail(refusal(status));
    await pass(1_000);
    expect([events, streams.length, snapshotCalls.length, defects]).toEqual([reported, 2, 0, []]);
  });

  test("reports a heartbeat with the end of a snapshot and with each comment, and none with a change", async () => {
    const { heartbeats, stream, pass } = await createScriptedGateway();
    await stream().open();
    await stream().write(`event: reset\ndata: {}\n\n${change(1, 1, "a-1")}${CURRENT}`);
    expect(heartbeats).toHaveLength(1);
    await pass(15_000);
    await stream().write(change(1, 2, "a-2"));
    expect(heartbeats).toHaveLength(1);
    await stream().write(HEARTBEAT);
    expect(heartbeats).toHaveLength(2);
  });

  test("waits for `Retry-After`, even if the page resumes", async () => {
    const { feed, streams, stream, pass } = await createScriptedGateway();
    await stream().fail(refusal(429, 60));
    await pass(30_000);
    feed.checkConnection();
    feed.retryNow();
    await pass(30_000);
    expect(streams).toHaveLength(1);
    await pass(1_000);
    expect(streams).toHaveLength(2);
  });

  test.each([
    [1, 8_000],
    [5, 8_000],
    [7.5, 8_500],
    [8, 16_000],
    [60, 68_000],
  ])(
    "waits for a `Retry-After` of %d s and the delay for %d ms at most, however often it has failed",
    async (seconds, mostMs) => {
      const gateway = await createScriptedGateway();
      await delaysOf(gateway, 5);
      await gateway.stream().fail(refusal(503, seconds));
      await gateway.pass(mostMs - 1);
      expect(gateway.streams).toHaveLength(6);
      await gateway.pass(1);
      expect(gateway.streams).toHaveLength(7);
    },
  );

  test("retries at once when the page resumes", async () => {
    const { feed, streams, stream, pass } = await createScriptedGateway();
    await stream().fail(new BridgeRejectionError("BACKEND_UNREACHABLE", "The backend could not be reached"));
    feed.checkConnection();
    await pass(0);
    expect(streams).toHaveLength(2);
  });

  test("retries at once when the page gives another token, and leaves an open stream alone", async () => {
    const { feed, streams, stream, pass } = await createScriptedGateway();
    await stream().fail(new BridgeRejectionError("TOKEN_UNAVAILABLE", "The page's function gave no token"));
    feed.retryNow();
    await pass(0);
    expect(streams).toHaveLength(2);
    feed.retryNow();
    await pass(0);
    expect(streams).toHaveLength(2);
  });
});

describe("a rejected token", () => {
  test("ends the feed without further events", async () => {
    const { feed, events, streams, stream, pass } = await followed();
    await stream().end();
    await pass(1_000);
    await stream().fail(refusal(401));
    expect(events.at(-1)).toEqual({ type: "unauthorized" });
    feed.checkConnection();
    await pass(600_000);
    expect([events.length, streams.length, vi.getTimerCount()]).toEqual([4, 2, 0]);
  });

  test("ends the feed while polling, too", async () => {
    const { events, snapshotCalls, snapshotCall, pass } = await createScriptedGateway();
    await pass(30_000);
    await snapshotCall().respond({ availabilities: [], ageMs: 0, cursor: "a-1", etag: "1" });
    await pass(20_000);
    await snapshotCall().fail(refusal(401));
    expect(events.at(-1)).toEqual({ type: "unauthorized" });
    await pass(600_000);
    expect([snapshotCalls.length, vi.getTimerCount()]).toEqual([2, 0]);
  });
});

describe("an idle stream", () => {
  test("is resumed from the last cursor after 45 s", async () => {
    const { streams, snapshotCalls, stream, pass } = await followed();
    await pass(44_999);
    expect(streams[0]?.isAborted()).toBe(false);
    await pass(1_001);
    expect([streams[0]?.isAborted(), stream().cursor, snapshotCalls.length]).toEqual([true, "a-1", 0]);
  });

  test("is kept open by the gateway's heartbeats, however long without a change", async () => {
    const { streams, stream, pass } = await followed();
    for (let minutes = 0; minutes < 4 * 60; minutes += 1) {
      await pass(15_000);
      await stream().write(HEARTBEAT);
    }
    expect(streams).toHaveLength(1);
  });

  test("is not kept open by noise", async () => {
    const { streams, stream, pass } = await followed();
    for (let seconds = 0; seconds < 45; seconds += 5) {
      await stream().write("x");
      await pass(5_000);
    }
    expect(streams[0]?.isAborted()).toBe(true);
  });

  test("needs one timer, however much data arrives", async () => {
    const { stream } = await followed();
    for (let version = 2; version < 50; version += 1) await stream().write(change(1, version, `a-${version}`));
    expect(vi.getTimerCount()).toBe(1);
  });
});

describe("when the page resumes", () => {
  test("keeps a stream with activity within the heartbeat interval", async () => {
    const { feed, streams, stream, pass } = await followed();
    await pass(14_000);
    feed.checkConnection();
    await stream().write(HEARTBEAT);
    await pass(15_000);
    feed.checkConnection();
    await pass(0);
    expect(streams).toHaveLength(1);
  });

  test("closes an overdue stream, and resumes at once", async () => {
    const { feed, streams, stream, pass } = await followed();
    await pass(16_000);
    feed.checkConnection();
    await pass(0);
    expect([streams[0]?.isAborted(), stream().cursor]).toEqual([true, "a-1"]);
  });

  test("keeps a stream that is still opening", async () => {
    const { feed, streams, pass } = await createScriptedGateway();
    await pass(29_000);
    feed.checkConnection();
    await pass(0);
    expect(streams).toHaveLength(1);
  });

  test("resumes with one request after a sleep that stopped the monotonic clock", async () => {
    const { feed, streams, snapshotCalls, stream, pass } = await followed();
    vi.setSystemTime(Date.now() + 3_600_000);
    feed.checkConnection();
    await pass(0);
    await stream().open();
    await stream().write(change(1, 2, "a-2"));
    feed.checkConnection();
    await pass(0);
    expect(streams.map(({ cursor }) => cursor)).toEqual([undefined, "a-1"]);
    expect(snapshotCalls).toHaveLength(0);
  });

  test("resumes also after a sleep that only the caller has noticed, so that a heartbeat follows", async () => {
    const { feed, streams, stream, pass } = await followed();
    feed.checkConnection(true);
    await pass(0);
    expect([streams.length, stream().cursor]).toEqual([2, "a-1"]);
  });

  test("detects such a sleep also when the idle timer fires", async () => {
    const { streams, stream, pass } = await followed();
    await pass(29_000);
    await stream().write(HEARTBEAT);
    vi.setSystemTime(Date.now() + 3_600_000);
    await pass(16_000);
    expect([streams.length, stream().cursor]).toEqual([2, "a-1"]);
  });

  test("does not treat sleep during opening as a buffering proxy", async () => {
    const { streams, snapshotCalls, pass } = await createScriptedGateway();
    vi.setSystemTime(Date.now() + 3_600_000);
    await pass(30_000);
    expect([streams.length, snapshotCalls.length]).toEqual([2, 0]);
  });

  test("ignores a small drift between the two clocks", async () => {
    const { feed, streams, pass } = await followed();
    vi.setSystemTime(Date.now() + 1_900);
    feed.checkConnection();
    await pass(0);
    expect(streams).toHaveLength(1);
  });
});

describe("a malformed stream", () => {
  test.each([
    ["data other than JSON", "event: availability\ndata: what\n\n"],
    ["an event with missing data", 'event: removal\ndata: {"userId":1}\n\n'],
    ["text", "<!doctype html>\n<title>Sign in</title>\n"],
    ["a line without an end", `data: ${"x".repeat(1024 * 1024)}`],
    ["an event without an end", `data: ${"x".repeat(1023)}\n`.repeat(1025)],
  ])("of %s is closed without an event, and opened again after a delay", async (_what, text) => {
    const { events, streams, defects, stream, pass } = await followed();
    await stream().write(text);
    expect([streams.length, streams[0]?.isAborted()]).toEqual([1, true]);
    await pass(1_000);
    expect([events.length, stream().cursor]).toEqual([3, "a-1"]);
    expect(defects).toEqual([expect.objectContaining({ name: "MalformedResponseError" })]);
  });

  test("and a response that is no stream are reported once, and retried with growing delays", async () => {
    const { streams, defects, stream, pass } = await followed();
    await stream().write("what\n");
    await pass(1_000);
    for (const delayMs of [2_000, 4_000, 8_000]) {
      const before = streams.length;
      await stream().fail(new BridgeRejectionError("INVALID_RESPONSE", "The backend's answer is no stream of events"));
      await pass(delayMs - 1);
      expect(streams).toHaveLength(before);
      await pass(1);
      expect(streams).toHaveLength(before + 1);
    }
    expect(defects).toHaveLength(1);
  });

  test("is retried with growing delays although each stream begins well", async () => {
    const { streams, stream, pass } = await followed();
    for (const delayMs of [1_000, 2_000, 4_000]) {
      const before = streams.length;
      await stream().open();
      await stream().write(`${change(1, before + 1, `a-${before + 1}`)}what\n`);
      await pass(delayMs - 1);
      expect(streams).toHaveLength(before);
      await pass(1);
      expect(streams).toHaveLength(before + 1);
    }
  });
});
