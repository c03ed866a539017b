import { expect, test, vi } from "vitest";
import { readEventStream } from "./event-stream.ts";

const RESET = "event: reset\ndata: {}\n\n";

/** Reads a stream of these chunks. `onEvent` and `onComment` may abort. */
async function read(chunks: readonly string[], abortOn?: "event" | "comment") {
  const controller = new AbortController();
  const [onBytes, onHeartbeat, onComment, onEvent, onRetry] = [vi.fn(), vi.fn(), vi.fn(), vi.fn(), vi.fn()];
  if (abortOn === "event") onEvent.mockImplementation(() => controller.abort());
  if (abortOn === "comment") onComment.mockImplementation(() => controller.abort());
  const openStream = vi.fn(async () => {
    const encoder = new TextEncoder();
    return new ReadableStream<Uint8Array<ArrayBuffer>>({
      start(stream) {
        for (const chunk of chunks) stream.enqueue(encoder.encode(chunk));
        stream.close();
      },
    });
  });
  await readEventStream({
    openStream,
    parseEvent: () => ({ type: "reset" }),
    cursor: "a-1",
    signal: controller.signal,
    onBytes,
    onHeartbeat,
    onComment,
    onEvent,
    onRetry,
  });
  expect(openStream).toHaveBeenCalledExactlyOnceWith(controller.signal, "a-1");
  return [onBytes, onHeartbeat, onComment, onEvent].map(({ mock }) => mock.calls.length);
}

test("counts chunks, and both events and comments as heartbeats", async () => {
  expect(await read([RESET, ":\n\n", `${RESET}${RESET}`])).toEqual([3, 4, 1, 3]);
});

test("counts a comment with a text as bytes alone: the gateway sends it before the missed changes", async () => {
  expect(await read([": open\n\n", ":\n\n"])).toEqual([2, 1, 1, 0]);
});

test.each<["event" | "comment", string, readonly number[]]>([
  ["event", `${RESET}${RESET}:\n\n`, [1, 3, 0, 1]],
  ["comment", `:\n\n:\n\n${RESET}`, [1, 3, 1, 0]],
])("reports no event and no comment of a chunk after an %s that closes the stream", async (abortOn, chunk, counts) => {
  expect(await read([chunk], abortOn)).toEqual(counts);
});

test("reads a character whose bytes come in two chunks", async () => {
  const parseEvent = vi.fn(() => undefined);
  const bytes = new TextEncoder().encode("event: availability\ndata: é\n\n");
  const middle = bytes.indexOf(0xc3) + 1;
  await readEventStream({
    openStream: async () =>
      new ReadableStream<Uint8Array<ArrayBuffer>>({
        start(stream) {
          for (const part of [bytes.slice(0, middle), bytes.slice(middle)]) stream.enqueue(part);
          stream.close();
        },
      }),
    parseEvent,
    cursor: undefined,
    signal: new AbortController().signal,
    onBytes() {},
    onHeartbeat() {},
    onComment() {},
    onEvent() {},
    onRetry() {},
  });
  expect(parseEvent).toHaveBeenCalledExactlyOnceWith("availability", "é");
});
