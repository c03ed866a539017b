import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { handleInOrder } from "./request-order.ts";

interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Starts a server whose requests the test answers, and connects to it. */
async function setUp() {
  const handled: Exchange[] = [];
  const closed: string[] = [];
  let received = 0;
  let serverSocket: Socket | undefined;
  const server = createServer(handleInOrder((request, response) => void handled.push({ request, response })));
  server.prependListener("request", ({ url = "" }, response) => {
    received += 1;
    response.on("close", () => void closed.push(url));
  });
  server.on("connection", (socket) => {
    serverSocket = socket;
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const client = connect(typeof address === "object" && address ? address.port : 0, "127.0.0.1");
  onTestFinished(() => {
    client.destroy();
    server.close();
    server.closeAllConnections();
  });
  await once(client, "connect");
  return {
    client,
    handled,
    closed,
    received: () => received,
    isPaused: () => serverSocket?.isPaused(),
    urls: () => handled.map(({ request }) => request.url),
    /** Answers the request with this number once it is handled. */
    async answer(index: number, headers: Readonly<Record<string, string>> = {}): Promise<void> {
      await eventually(() => handled.length).toBeGreaterThan(index);
      handled[index]?.response.writeHead(200, headers).end("done");
    },
  };
}

/** Polls until the expectation holds, on a busy machine too. */
const eventually = <Value>(read: () => Value) => expect.poll(read, { interval: 1, timeout: 20_000 });

const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;

test("handles a pipelined request after the one before it is answered", async () => {
  const { client, urls, answer, received, closed } = await setUp();
  client.write(`${get("/1")}PUT /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nab${get("/3")}`);
  await eventually(received).toBe(3);
  expect(urls()).toEqual(["/1"]);
  await answer(0);
  await eventually(urls).toEqual(["/1", "/2"]);
  expect(closed).toEqual(["/1"]);
  await answer(1);
  await eventually(urls).toEqual(["/1", "/2", "/3"]);
  expect(closed).toEqual(["/1", "/2"]);
});

test("handles a request at once that comes after the answer to the one before it", async () => {
  const { client, urls, answer } = await setUp();
  client.write(get("/1"));
  await answer(0);
  await once(client, "data");
  client.write(get("/2"));
  await eventually(urls).toEqual(["/1", "/2"]);
});

test("gives a request that has waited its whole body", async () => {
  const { client, handled, answer } = await setUp();
  client.write(`${get("/1")}PUT /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab`);
  await answer(0);
  await once(client, "data");
  client.write("cd");
  await eventually(() => handled.length).toBe(2);
  expect(handled[1] && (await text(handled[1].request))).toBe("abcd");
});

test.each<[string, (client: Socket, first: Exchange | undefined) => unknown]>([
  ["the client disconnects", (client) => client.destroy()],
  ["the first response fails", (_client, first) => first?.response.destroy()],
  [
    "the first response ends the connection",
    (_client, first) => first?.response.setHeader("Connection", "close").end(),
  ],
  [
    "the connection is destroyed just after the first response",
    (_client, first) => first?.response.once("close", () => first.request.socket.destroy()).end(),
  ],
])("never handles a request that waits when %s, and closes its response", async (_when, end) => {
  const { client, handled, urls, received, closed } = await setUp();
  client.write(`${get("/1")}${get("/2")}${get("/3")}`);
  await eventually(received).toBe(3);
  end(client, handled[0]);
  await eventually(() => [...closed].sort()).toEqual(["/1", "/2", "/3"]);
  expect(urls()).toEqual(["/1"]);
});

test("does not read a connection whose requests wait, until they are answered", async () => {
  const { client, urls, answer, received, isPaused } = await setUp();
  const count = 800;
  // The whole text is larger than the buffers of both ends.
  const padding = `X: ${"x".repeat(15_000)}\r\n`;
  client.write(Array.from({ length: count }, (_, index) => get(`/${index}`, padding)).join(""));
  let answers = "";
  client.setEncoding("latin1").on("data", (data: string) => {
    answers += data;
  });
  await eventually(isPaused).toBe(true);
  for (let index = 0; index < count; index += 1) {
    // At most those that may wait, the one that is handled, and those of one piece of the connection.
    expect(received() - index).toBeLessThan(16 + 1 + 5);
    await answer(index);
  }
  await eventually(() => answers.split("HTTP/1.1 200 ").length - 1).toBe(count);
  expect(urls()).toEqual(Array.from({ length: count }, (_, index) => `/${index}`));
});

test("reads the rest of a body behind many requests that wait", async () => {
  const { client, handled, answer, isPaused } = await setUp();
  const gets = Array.from({ length: 40 }, (_, index) => get(`/${index}`)).join("");
  client.write(`${gets}PUT /last HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab`);
  await eventually(isPaused).toBe(true);
  client.resume().write("cd");
  for (let index = 0; index < 40; index += 1) await answer(index);
  await eventually(() => handled.length).toBe(41);
  expect(handled[40] && (await text(handled[40].request))).toBe("abcd");
});
