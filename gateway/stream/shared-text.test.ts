import { once } from "node:events";
import { get, type IncomingMessage, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { text as readText } from "node:stream/consumers";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { listen } from "../../scripts/testing/local-server.ts";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import { createSharedText } from "./shared-text.ts";

/** Starts a server that responds with the function. */
async function serve(respond: (response: ServerResponse) => unknown): Promise<number> {
  const { port, close } = await listen("127.0.0.1", (_request, response) => void respond(response));
  onTestFinished(close);
  return port;
}

/** Sends texts over a raw connection and reads everything until the server closes it. */
function exchange(port: number, request: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(request);
  return readText(socket);
}

interface Step {
  readonly text: string;
  readonly isShared: boolean;
  /** True if the task ends after this write. */
  readonly isLast: boolean;
}

test("brings every text to the client in the order of the writes, whichever function wrote it", async () => {
  const state: { steps: readonly Step[] } = { steps: [] };
  const port = await serve(async (response) => {
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    let hasBegun = false;
    for (const { text, isShared, isLast } of state.steps) {
      if (isShared) createSharedText(text).writeTo(response, hasBegun);
      else response.write(text);
      hasBegun = true;
      if (isLast) await turn();
    }
    response.end("end");
  });
  const stepArbitrary = fc.record({
    text: fc.oneof(fc.string({ minLength: 1 }), fc.constant("é€".repeat(3000))),
    isShared: fc.boolean(),
    isLast: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(stepArbitrary, { maxLength: 12 }), async (steps) => {
      state.steps = steps;
      const [response] = (await once(get({ port, host: "127.0.0.1" }), "response")) as [IncomingMessage];
      expect(await readText(response)).toBe(`${steps.map(({ text }) => text).join("")}end`);
    }),
    { numRuns: scaleRuns(100) },
  );
});

test("writes no chunk to a client of HTTP/1.0, which knows none", async () => {
  const port = await serve((response) => {
    response.writeHead(200).write("first ");
    createSharedText("second").writeTo(response, true);
    response.end();
  });
  expect((await exchange(port, "GET / HTTP/1.0\r\n\r\n")).split("\r\n\r\n")[1]).toBe("first second");
});

test("keeps the text of a response behind another one until that one has ended", async () => {
  const responses: ServerResponse[] = [];
  const port = await serve((response) => {
    responses.push(response.writeHead(200));
    const [first, second] = responses;
    if (!first || !second) return;
    first.write("first");
    second.write("second");
    createSharedText(" shared").writeTo(second, true);
    first.end(" end");
    second.end();
  });
  const head = "GET / HTTP/1.1\r\nHost: a\r\n";
  const received = await exchange(port, `${head}\r\n${head}Connection: close\r\n\r\n`);
  const bodies = received.split("HTTP/1.1 200 OK").map((part) => part.split("\r\n\r\n")[1] ?? "");
  expect(bodies[1]).toContain("5\r\nfirst\r\n4\r\n end\r\n0");
  expect(bodies[2]).toContain("6\r\nsecond\r\n7\r\n shared\r\n0");
});

test("writes nothing to a connection that the client has left, and does not throw", async () => {
  const seen: boolean[] = [];
  const port = await serve(async (response) => {
    response.writeHead(200).write("first");
    await once(response, "close");
    createSharedText("second").writeTo(response, true);
    seen.push(response.destroyed);
  });
  const request = get({ port, host: "127.0.0.1" }, () => request.destroy());
  request.on("error", () => {});
  // Waits until the server has seen that the client is gone.
  await expect.poll(() => seen, { timeout: 10_000 }).toEqual([true]);
});
