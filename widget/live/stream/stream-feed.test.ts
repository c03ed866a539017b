import { describe, expect, test, vi } from "vitest";
import { BackendRefusal, Refusal } from "../../../shared/protocol/rejection.ts";
import { CURRENT, change, changed, HEARTBEAT, scriptGateway } from "./test-scripted-gateway.ts";

const RESET = "event: reset\nid\ndata: {}\n\n";
const SNAPSHOT = `event: availability\ndata: ${JSON.stringify(changed(1, 1))}\n\n`;

/** A feed whose stream has told everything, up to the cursor `a-1`. */
async function followed() {
  const gateway = await scriptGateway();
  await gateway.stream().open();
  await gateway.stream().write(RESET + SNAPSHOT + CURRENT);
  return gateway;
}

function refusal(status: number, retryAfterSeconds?: number): BackendRefusal {
  return Object.assign(new BackendRefusal(status, undefined), { retryAfterSeconds });
}

describe("a stream", () => {
  test("is told as it comes, with where to resume once there is such a place", async () => {
    const { told, stream } = await followed();
    await stream().write(change(1, 2, "a-2"));
    await stream().write('event: removal\nid: a-3\ndata: {"userId":1,"version":3}\n\n');
    expect(told).toEqual([
      { type: "reset" },
      { type: "availability", availability: changed(1, 1), ageMs: 0 },
      { type: "current", cursor: "a-1" },
      { type: "availability", availability: changed(1, 2), ageMs: 0, cursor: "a-2" },
      { type: "removal", userId: 1, version: 3, cursor: "a-3" },
    ]);
  });

  test("is read however it is cut into pieces", async () => {
    const { told, stream } = await followed();
    for (const character of change(1, 2, "a-2")) await stream().write(character);
    expect(told.at(-1)).toMatchObject({ availability: { version: 2 }, cursor: "a-2" });
  });

  test("leads over an event of a newer gateway's to what comes after it", async () => {
    const { told, defects, stream, pass } = await followed();
    await stream().write("event: rumour\nid: a-2\ndata: what\n\n");
    await stream().end();
    await pass(1_000);
    expect([told.length, defects, stream().cursor]).toEqual([3, [], "a-2"]);
  });

  test("begins where the feed is told to begin", async () => {
    const { stream } = await scriptGateway("a-7");
    expect(stream().cursor).toBe("a-7");
  });

  test("that breaks off is opened again where it had come to", async () => {
    const { streams, stream, pass } = await followed();
    await stream().write(change(1, 2, "a-2"));
    await stream().lose();
    await pass(1_000);
    expect(streams.map(({ cursor }) => cursor)).toEqual([undefined, "a-2"]);
  });

  test("that breaks off within a snapshot begins anew, also where it was to be resumed", async () => {
    const { streams, told, stream, pass } = await scriptGateway("a-7");
    await stream().open();
    await stream().write(RESET + SNAPSHOT);
    await stream().lose();
    await pass(1_000);
    expect(streams.map(({ cursor }) => cursor)).toEqual(["a-7", undefined]);
    expect(told.some((event) => "cursor" in event)).toBe(false);
  });

  test("tells nothing once the feed is closed, and nothing is asked for any more", async () => {
    const { feed, told, streams, stream, pass } = await followed();
    feed.close();
    expect(stream().isGivenUp()).toBe(true);
    await pass(600_000);
    expect([told.length, streams.length]).toEqual([3, 1]);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe("after a failure", () => {
  /** How long the feed waits before each of the next streams, which all fail: for the longest that chance allows. */
  async function delaysOf({ streams, stream, pass }: Awaited<ReturnType<typeof scriptGateway>>, count: number) {
    const delays: number[] = [];
    while (delays.length < count) {
      const [before, begunAt] = [streams.length, performance.now()];
      await stream().fail(new Refusal("BACKEND_UNREACHABLE", "The backend could not be reached"));
      while (streams.length === before) await pass(100);
      delays.push(performance.now() - begunAt);
    }
    return delays;
  }

  test("waits for up to a second, doubled with each failure up to half a minute", async () => {
    const gateway = await scriptGateway();
    expect(await delaysOf(gateway, 7)).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  });

  test("waits for as long as chance has it, from nothing on", async () => {
    const gateway = await scriptGateway();
    gateway.random = 0.25;
    expect(await delaysOf(gateway, 3)).toEqual([300, 500, 1_000]);
  });

  test("waits for up to a second once a stream has brought what the next goes on from", async () => {
    const gateway = await scriptGateway();
    await delaysOf(gateway, 5);
    await gateway.stream().open();
    await gateway.stream().write(CURRENT);
    await gateway.stream().end();
    await gateway.pass(1_000);
    expect(gateway.streams).toHaveLength(7);
  });

  test("takes a stream that was resumed, and has heard heartbeats alone, for as good as any other", async () => {
    const gateway = await scriptGateway("a-7");
    await delaysOf(gateway, 5);
    await gateway.stream().open();
    await gateway.stream().write(":\n\n");
    await gateway.stream().write(":\n\n");
    await gateway.stream().end();
    await gateway.pass(1_000);
    expect(gateway.streams).toHaveLength(7);
  });

  test("goes on doubling while no stream brings more than a part of a snapshot", async () => {
    const { streams, stream, pass } = await scriptGateway();
    for (const delayMs of [1_000, 2_000, 4_000]) {
      const before = streams.length;
      await stream().open();
      await stream().write(RESET + SNAPSHOT);
      await stream().lose();
      await pass(delayMs - 1);
      expect(streams).toHaveLength(before);
      await pass(1);
      expect(streams).toHaveLength(before + 1);
    }
  });

  test("comes back no sooner than the gateway says as it goes", async () => {
    const { streams, stream, pass } = await followed();
    await stream().write("retry: 7000\n\n");
    await stream().end();
    await pass(7_999);
    expect(streams).toHaveLength(1);
    await pass(1);
    expect(streams).toHaveLength(2);
  });

  test.each([403, 404, 429, 500, 503])("takes %i for no end of the session, and tries again", async (status) => {
    const { told, streams, stream, overviews, pass } = await scriptGateway();
    await stream().fail(refusal(status));
    await pass(1_000);
    expect([told, streams.length, overviews.length]).toEqual([[], 2, 0]);
  });

  test("leaves the gateway alone for as long as it asks for, whoever looks at the page", async () => {
    const { feed, streams, stream, pass } = await scriptGateway();
    await stream().fail(refusal(429, 60));
    await pass(30_000);
    feed.wake();
    await pass(30_000);
    expect(streams).toHaveLength(1);
    await pass(1_000);
    expect(streams).toHaveLength(2);
  });

  test("tries again at once when something says that it may help", async () => {
    const { feed, streams, stream, pass } = await scriptGateway();
    await stream().fail(new Refusal("BACKEND_UNREACHABLE", "The backend could not be reached"));
    feed.wake();
    await pass(0);
    expect(streams).toHaveLength(2);
  });
});

describe("a token that is refused", () => {
  test("ends the feed, of which nothing more is heard", async () => {
    const { feed, told, streams, stream, pass } = await followed();
    await stream().end();
    await pass(1_000);
    await stream().fail(refusal(401));
    expect(told.at(-1)).toEqual({ type: "refused" });
    feed.wake();
    await pass(600_000);
    expect([told.length, streams.length, vi.getTimerCount()]).toEqual([4, 2, 0]);
  });

  test("does so while everything is asked for again and again, too", async () => {
    const { told, overviews, overview, pass } = await scriptGateway();
    await pass(30_000);
    await overview().answer({ availabilities: [], ageMs: 0, cursor: "a-1", etag: "1" });
    await pass(20_000);
    await overview().fail(refusal(401));
    expect(told.at(-1)).toEqual({ type: "refused" });
    await pass(600_000);
    expect([overviews.length, vi.getTimerCount()]).toEqual([2, 0]);
  });
});

describe("silence", () => {
  test("of 45 s is death: the stream is opened again where it had come to", async () => {
    const { streams, overviews, stream, pass } = await followed();
    await pass(44_999);
    expect(streams[0]?.isGivenUp()).toBe(false);
    await pass(1_001);
    expect([streams[0]?.isGivenUp(), stream().cursor, overviews.length]).toEqual([true, "a-1", 0]);
  });

  test("is broken by the gateway's signs of life, however long nothing changes", async () => {
    const { streams, stream, pass } = await followed();
    for (let minutes = 0; minutes < 4 * 60; minutes += 1) {
      await pass(15_000);
      await stream().write(HEARTBEAT);
    }
    expect(streams).toHaveLength(1);
  });

  test("is not broken by noise", async () => {
    const { streams, stream, pass } = await followed();
    for (let seconds = 0; seconds < 45; seconds += 5) {
      await stream().write("x");
      await pass(5_000);
    }
    expect(streams[0]?.isGivenUp()).toBe(true);
  });

  test("needs one timer, however much is heard", async () => {
    const { stream } = await followed();
    for (let version = 2; version < 50; version += 1) await stream().write(change(1, version, `a-${version}`));
    expect(vi.getTimerCount()).toBe(1);
  });
});

describe("when it is woken", () => {
  test("leaves a stream alone that it has heard within a heartbeat", async () => {
    const { feed, streams, stream, pass } = await followed();
    await pass(14_000);
    feed.wake();
    await stream().write(HEARTBEAT);
    await pass(15_000);
    feed.wake();
    await pass(0);
    expect(streams).toHaveLength(1);
  });

  test("gives up a stream that is overdue, and catches up at once", async () => {
    const { feed, streams, stream, pass } = await followed();
    await pass(16_000);
    feed.wake();
    await pass(0);
    expect([streams[0]?.isGivenUp(), stream().cursor]).toEqual([true, "a-1"]);
  });

  test("leaves a stream alone that is still being opened", async () => {
    const { feed, streams, pass } = await scriptGateway();
    await pass(29_000);
    feed.wake();
    await pass(0);
    expect(streams).toHaveLength(1);
  });

  test("catches up with one call after a sleep in which the monotonic clock stood", async () => {
    const { feed, streams, overviews, stream, pass } = await followed();
    vi.setSystemTime(Date.now() + 3_600_000);
    feed.wake();
    await pass(0);
    await stream().open();
    await stream().write(change(1, 2, "a-2"));
    feed.wake();
    await pass(0);
    expect(streams.map(({ cursor }) => cursor)).toEqual([undefined, "a-1"]);
    expect(overviews).toHaveLength(0);
  });

  test("notices such a sleep by itself as well, when it looks at the clock for another reason", async () => {
    const { streams, stream, pass } = await followed();
    await pass(29_000);
    await stream().write(HEARTBEAT);
    vi.setSystemTime(Date.now() + 3_600_000);
    await pass(16_000);
    expect([streams.length, stream().cursor]).toEqual([2, "a-1"]);
  });

  test("takes no sleep while a stream was opened for a proxy that holds it back", async () => {
    const { streams, overviews, pass } = await scriptGateway();
    vi.setSystemTime(Date.now() + 3_600_000);
    await pass(30_000);
    expect([streams.length, overviews.length]).toEqual([2, 0]);
  });

  test("is not bothered by two clocks that drift apart a little", async () => {
    const { feed, streams, pass } = await followed();
    vi.setSystemTime(Date.now() + 1_900);
    feed.wake();
    await pass(0);
    expect(streams).toHaveLength(1);
  });
});

describe("a malformed stream", () => {
  test.each([
    ["data that is no JSON", "event: availability\ndata: what\n\n"],
    ["an event without what it promises", 'event: removal\ndata: {"userId":1}\n\n'],
    ["text", "<!doctype html>\n<title>Sign in</title>\n"],
    ["a line without an end", `data: ${"x".repeat(1024 * 1024)}`],
    ["an event without an end", `data: ${"x".repeat(1023)}\n`.repeat(1025)],
  ])("of %s is given up, told to nobody and opened again after a delay", async (_what, text) => {
    const { told, streams, defects, stream, pass } = await followed();
    await stream().write(text);
    expect([streams.length, streams[0]?.isGivenUp()]).toEqual([1, true]);
    await pass(1_000);
    expect([told.length, stream().cursor]).toEqual([3, "a-1"]);
    expect(defects).toEqual([expect.objectContaining({ name: "MalformedAnswer" })]);
  });

  test("and an answer that is no stream are reported once, and come back ever more slowly", async () => {
    const { streams, defects, stream, pass } = await followed();
    await stream().write("what\n");
    await pass(1_000);
    for (const delayMs of [2_000, 4_000, 8_000]) {
      const before = streams.length;
      await stream().fail(new Refusal("INVALID_RESPONSE", "The backend's answer is no stream of events"));
      await pass(delayMs - 1);
      expect(streams).toHaveLength(before);
      await pass(1);
      expect(streams).toHaveLength(before + 1);
    }
    expect(defects).toHaveLength(1);
  });

  test("slows its return down although each begins well", async () => {
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
