/** What a feed does where its stream is held back on the way. */
import { describe, expect, test, vi } from "vitest";
import { BackendRefusal, Refusal } from "../../../shared/protocol/rejection.ts";
import { CURRENT, change, changed, HEARTBEAT, scriptGateway } from "./test-scripted-gateway.ts";

const UNREACHABLE = new Refusal("BACKEND_UNREACHABLE", "The backend could not be reached");

/** A feed that has been told of users 1 and 2 by an overview, up to the cursor `a-1`, since no byte of its stream has come. */
async function polled() {
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  const gateway = await scriptGateway();
  await gateway.stream().open();
  await gateway.pass(30_000);
  await gateway
    .overview()
    .answer({ availabilities: [changed(1, 1), changed(2, 1)], ageMs: 0, cursor: "a-1", etag: "1" });
  return { ...gateway, warned };
}

/** Lets a poll become due, 15 s and a fifth after the one before it. */
const DUE_MS = 18_000;

test("asks for everything once no byte of a stream has come within two heartbeats, and not before", async () => {
  const { streams, overviews, stream, pass } = await scriptGateway();
  await stream().open();
  await pass(29_999);
  expect([streams[0]?.isGivenUp(), overviews.length]).toEqual([false, 0]);
  await pass(1);
  expect([streams[0]?.isGivenUp(), overviews.length]).toEqual([true, 1]);
});

test("does so also where not even the head of the answer has come, and says so in the console once", async () => {
  const { overview, pass } = await scriptGateway();
  const warned = vi.spyOn(console, "warn").mockImplementation(() => {});
  await pass(30_000);
  await overview().answer({ availabilities: [], ageMs: 0, cursor: "a-1", etag: "1" });
  await pass(60_000);
  expect(warned).toHaveBeenCalledTimes(1);
});

test("does so where the end of a snapshot is held back", async () => {
  const { streams, overviews, stream, pass } = await scriptGateway();
  await stream().open();
  await stream().write("event: reset\nid\ndata: {}\n\n");
  await pass(45_000);
  expect([streams.length, overviews.length]).toEqual([1, 1]);
});

test("tries the stream again where everything cannot be asked for either: nothing comes through to anybody", async () => {
  const { streams, overviews, overview, told, pass } = await scriptGateway();
  await pass(30_000);
  await overview().fail(UNREACHABLE);
  await pass(1_000);
  expect([told, streams.length]).toEqual([[], 2]);
  await pass(29_000);
  expect(overviews).toHaveLength(1);
});

test("gives up the first call like any other that is not answered before the next is due", async () => {
  const { streams, overviews, pass } = await scriptGateway();
  await pass(30_000);
  await pass(DUE_MS);
  await pass(1_000);
  expect([streams.length, overviews.every(({ isGivenUp }) => isGivenUp())]).toEqual([2, true]);
});

describe("while it asks for everything again and again", () => {
  test("tells the first as a snapshot", async () => {
    const { told } = await polled();
    expect(told).toEqual([
      { type: "reset" },
      { type: "availability", availability: changed(1, 1), ageMs: 0 },
      { type: "availability", availability: changed(2, 1), ageMs: 0 },
      { type: "current", cursor: "a-1" },
    ]);
  });

  test("tells how old what it was answered is", async () => {
    const { overview, told, pass } = await polled();
    await pass(DUE_MS);
    await overview().answer({ availabilities: [changed(1, 2)], ageMs: 7_000, cursor: "a-2", etag: "2" });
    expect(told).toContainEqual(expect.objectContaining({ type: "availability", ageMs: 7_000 }));
  });

  test("tells what has changed since, by the version, and who is there no more", async () => {
    const { told, overview, pass } = await polled();
    await pass(DUE_MS);
    const availabilities = [changed(1, 2), changed(3, 1)];
    await overview().answer({ availabilities, ageMs: 0, cursor: "a-4", etag: "4" });
    expect(told.slice(4)).toEqual([
      { type: "availability", availability: changed(1, 2), ageMs: 0, cursor: "a-1" },
      { type: "availability", availability: changed(3, 1), ageMs: 0, cursor: "a-1" },
      { type: "removal", userId: 2, version: 2, cursor: "a-1" },
      { type: "current", cursor: "a-4" },
    ]);
  });

  test("says what it holds, and tells nothing where that is still so", async () => {
    const { told, overviews, overview, pass } = await polled();
    for (let polls = 0; polls < 3; polls += 1) {
      await pass(DUE_MS);
      await overview().answer(undefined);
    }
    expect(told).toHaveLength(4);
    expect(overviews.map(({ etag }) => etag)).toEqual([undefined, "1", "1", "1"]);
  });

  test.each([
    [0, 12_000],
    [0.5, 15_000],
    [1, 18_000],
  ])("asks every 15 s, give or take a fifth: where chance is %d after %d ms", async (random, delayMs) => {
    const gateway = await scriptGateway();
    gateway.random = random;
    await gateway.pass(30_000);
    await gateway.overview().answer({ availabilities: [], ageMs: 0, cursor: "a-1", etag: "1" });
    await gateway.pass(delayMs - 1);
    expect(gateway.overviews).toHaveLength(1);
    await gateway.pass(1);
    expect(gateway.overviews).toHaveLength(2);
  });

  test("asks again after a failure as if there had been none, and no sooner than it is told to", async () => {
    const { overviews, overview, pass } = await polled();
    await pass(DUE_MS);
    await overview().fail(UNREACHABLE);
    await pass(DUE_MS);
    await overview().fail(Object.assign(new BackendRefusal(429, undefined), { retryAfterSeconds: 60 }));
    await pass(59_999);
    expect(overviews).toHaveLength(3);
    await pass(1);
    expect(overviews).toHaveLength(4);
  });

  test("gives up a call that is out when the next is due", async () => {
    const { overviews, pass } = await polled();
    await pass(2 * DUE_MS);
    expect(overviews.map(({ isGivenUp }) => isGivenUp())).toEqual([true, true, false]);
  });

  test("tries the stream every five minutes from where it stands, and asks on until something comes", async () => {
    const { streams, overviews, stream, pass } = await polled();
    await pass(299_999);
    expect(streams).toHaveLength(1);
    await pass(1);
    expect([streams.length, stream().cursor]).toEqual([2, "a-1"]);
    const before = overviews.length;
    await stream().open();
    await pass(30_000);
    expect(overviews.length).toBeGreaterThan(before);
    await pass(300_000);
    expect(streams).toHaveLength(3);
  });

  test.each([
    ["a sign of life", HEARTBEAT],
    ["a change", change(1, 2, "a-2")],
    ["a snapshot", `event: reset\nid\ndata: {}\n\n${CURRENT}`],
  ])("asks no more once the stream has brought %s", async (_what, text) => {
    const { overviews, stream, pass } = await polled();
    await pass(300_000);
    await stream().open();
    await stream().write(text);
    const before = overviews.length;
    for (let heartbeats = 0; heartbeats < 40; heartbeats += 1) {
      await pass(15_000);
      await stream().write(HEARTBEAT);
    }
    expect(overviews).toHaveLength(before);
    expect(overviews.at(-1)?.isGivenUp()).toBe(true);
  });

  test("goes on asking while the stream fails in another way", async () => {
    const { streams, overviews, stream, pass } = await polled();
    await pass(300_000);
    await stream().fail(new BackendRefusal(503, undefined));
    const before = overviews.length;
    await pass(DUE_MS);
    expect(streams.length).toBeGreaterThan(2);
    expect(overviews.length).toBeGreaterThan(before);
  });

  test("asks at once when it is woken, and tries the stream", async () => {
    const { feed, streams, overviews, overview, stream, pass } = await polled();
    vi.setSystemTime(Date.now() + 3_600_000);
    feed.wake();
    await pass(0);
    expect([streams.length, stream().cursor, overviews.length]).toEqual([2, "a-1", 2]);
    await overview().answer(undefined);
    feed.wake();
    await pass(0);
    expect([streams.length, overviews.length]).toEqual([2, 2]);
  });

  test("asks no sooner than it is told to, however often it is woken", async () => {
    const { feed, overviews, overview, pass } = await polled();
    await pass(DUE_MS);
    await overview().fail(Object.assign(new BackendRefusal(429, undefined), { retryAfterSeconds: 120 }));
    for (let looks = 0; looks < 5; looks += 1) {
      feed.wake();
      await pass(1);
    }
    expect(overviews).toHaveLength(2);
    await pass(120_000);
    expect(overviews).toHaveLength(3);
  });

  test("ends with the feed", async () => {
    const { feed, streams, overviews, pass } = await polled();
    feed.close();
    await pass(600_000);
    expect([streams.length, overviews.length, vi.getTimerCount()]).toEqual([1, 1, 0]);
  });
});
