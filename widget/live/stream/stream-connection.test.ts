/** The end of one stream, and its reason. */
import { beforeEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { BackendResponseError } from "../../../shared/protocol/rejection.ts";
import { createTimerQueue } from "../../../shared/runtime/timer-queue.ts";
import { connectStream } from "./stream-connection.ts";

beforeEach(() => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
});

/** A stream that resumes from `cursor`, over a gateway that ignores aborts. */
function setUp(cursor?: string) {
  let body: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>> | undefined;
  let fail = (_error: unknown): void => {};
  const hasSlept = vi.fn(() => false);
  let aborted: AbortSignal | undefined;
  const stream = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      body = controller;
    },
  });
  let open = (): void => {};
  const connection = connectStream({
    openStream: (signal) =>
      new Promise((resolve, reject) => {
        aborted = signal;
        open = () => resolve(stream);
        fail = reject;
      }),
    parseEvent: () => undefined,
    cursor,
    schedule: createTimerQueue().schedule,
    hasSlept,
    onHeartbeat() {},
    onEvent() {},
    onComment() {},
  });
  return {
    connection,
    isAborted: () => aborted?.aborted,
    fail: (error: unknown) => fail(error),
    hasSlept,
    async write(text: string): Promise<void> {
      open();
      body?.enqueue(new TextEncoder().encode(text));
      await vi.advanceTimersByTimeAsync(0);
    },
    async end(): Promise<void> {
      open();
      body?.close();
      await vi.advanceTimersByTimeAsync(0);
    },
  };
}

test("is closed by the caller", async () => {
  const { connection, fail } = setUp();
  connection.close();
  fail(new Error("aborted"));
  expect(await connection.ended).toEqual({ reason: "closed", hasProgressed: false, retryMs: 0, failure: undefined });
});

test("ends to be opened anew, and ignores a response that comes afterwards", async () => {
  const { connection, fail } = setUp();
  connection.reconnect();
  fail(new BackendResponseError(401, {}));
  expect(await connection.ended).toMatchObject({ reason: "resync", failure: undefined });
});

test("is disconnected by the gateway's end of the response", async () => {
  const { connection, end } = setUp();
  await end();
  expect(await connection.ended).toMatchObject({ reason: "disconnected", failure: undefined });
});

test("is disconnected by the gateway's rejection, which it returns", async () => {
  const { connection, fail } = setUp();
  fail(new BackendResponseError(401, {}));
  expect(await connection.ended).toMatchObject({ reason: "disconnected", failure: { isUnauthorized: true } });
});

describe("after 45 s without an event or a comment", () => {
  test.each([
    ["disconnected", "it had resumed and delivered a comment", "a-1", ":\n\n"],
    ["buffered", "it had resumed and delivered the comment at the start alone", "a-1", ": open\n\n"],
    ["buffered", "it had begun a snapshot", undefined, "event: reset\nid\ndata: {}\n\n"],
    ["buffered", "it had no snapshot yet", undefined, ":\n\n"],
  ])("is %s if %s", async (reason, _what, cursor, text) => {
    const { connection, isAborted, write, end } = setUp(cursor);
    await write(text);
    await vi.advanceTimersByTimeAsync(44_999);
    expect(isAborted()).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(isAborted()).toBe(true);
    await end();
    expect(await connection.ended).toMatchObject({ reason });
  });
});

test("has progressed with the second heartbeat after it has resumed, not with the first", async () => {
  const [one, two] = [setUp("a-1"), setUp("a-1")];
  await one.write(":\n\n");
  await two.write(":\n\n:\n\n");
  await one.end();
  await two.end();
  expect([(await one.connection.ended).hasProgressed, (await two.connection.ended).hasProgressed]).toEqual([
    false,
    true,
  ]);
});

test("looks for no sleep of the machine after its end: the next stream has to notice the sleep", async () => {
  const { connection, hasSlept } = setUp();
  connection.close();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(hasSlept).not.toHaveBeenCalled();
});
