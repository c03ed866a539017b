import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import type { Customer } from "../../customer.ts";
import { serveGateway } from "../../serve.ts";
import { createMemoryStore } from "../../store/memory-store.ts";
import { TEST_FILES } from "../../test/test-build.ts";
import { accessOf, availabilityServiceOver, testCustomers } from "../../test/test-gateway.ts";

async function setUp(parts: Partial<Customer> = {}) {
  const defects: unknown[] = [];
  const gateway = await serveGateway(
    { host: "127.0.0.1", port: 0 },
    { customers: await testCustomers(parts), files: TEST_FILES, onDefect: (error) => void defects.push(error) },
  );
  onTestFinished(gateway.close);
  const port = Number(new URL(gateway.origin).port);

  /** Sends a text unchanged, and resolves with the data received until the connection is closed. */
  async function send(text: string): Promise<string> {
    const socket = connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    let response = "";
    socket.setEncoding("utf8").on("data", (part) => {
      response += part;
    });
    // Data sent after the rejection may meet a closed connection.
    socket.on("error", () => {});
    socket.write(text);
    await once(socket, "close");
    return response;
  }

  return { port, send, defects };
}

const HEAD = "Host: gateway.test\r\nConnection: close\r\n";

test.each([
  ["a text that is not HTTP", "\u0000\u0001 garbage\r\n\r\n", 400],
  ["a method that does not exist", `PURLOIN / HTTP/1.1\r\n${HEAD}\r\n`, 400],
  ["a header without a name", `GET / HTTP/1.1\r\n${HEAD}: value\r\n\r\n`, 400],
  ["an invalid length", `POST / HTTP/1.1\r\n${HEAD}Content-Length: many\r\n\r\n`, 400],
  ["two lengths", `POST / HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, 400],
  [
    "a length beside chunks",
    `POST / HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ["an invalid host", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", 400],
  ["no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
  ["a body over 64 KiB", `POST /healthz HTTP/1.1\r\n${HEAD}Content-Length: 65537\r\n\r\n`, 413],
  [
    "chunks of over 64 KiB",
    `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n${"8000\r\n".concat("a".repeat(0x8000), "\r\n").repeat(3)}0\r\n\r\n`,
    413,
  ],
  ["a long address", `GET /${"a".repeat(12_288)} HTTP/1.1\r\n${HEAD}\r\n`, 414],
  ["an unknown expectation", `POST / HTTP/1.1\r\n${HEAD}Expect: miracles\r\nContent-Length: 0\r\n\r\n`, 417],
  ["a hundred headers and one", `GET / HTTP/1.1\r\n${HEAD}${"a: b\r\n".repeat(99)}\r\n`, 431],
  // Not much longer: Node 24 resets a connection on which more is yet to be read, and the client may lose the response.
  ["a header of thirty kilobytes", `GET / HTTP/1.1\r\n${HEAD}X: ${"a".repeat(30_000)}\r\n\r\n`, 431],
])("responds to %s with a problem", async (_what, text, status) => {
  const { send, defects } = await setUp();
  const [head = "", body = ""] = (await send(text)).split("\r\n\r\n");
  expect(head.split("\r\n")[0]).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head.toLowerCase()).toContain("\r\ncontent-type: application/problem+json");
  expect(JSON.parse(body)).toMatchObject({ type: "about:blank", status });
  expect(defects).toEqual([]);
});

test("accepts an address with 500 user ids of sixteen digits", async () => {
  const { send } = await setUp();
  const ids = Array.from({ length: 500 }, (_, index) => 1_000_000_000_000_000 + index).join(",");
  expect(await send(`GET /healthz?userIds=${ids} HTTP/1.1\r\n${HEAD}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
});

test("reports no defect for a truncated body, with or without a length", async () => {
  const { port, defects, send } = await setUp();
  for (const head of ["Content-Length: 100", "Transfer-Encoding: chunked"]) {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(`POST /v1/users/123/availability HTTP/1.1\r\nHost: gateway.test\r\n${head}\r\n\r\n5\r\nab`);
    socket.resetAndDestroy();
  }
  // Sent over the same event loop, so the gateway has handled the two truncated bodies.
  expect(await send(`GET /healthz HTTP/1.1\r\n${HEAD}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(defects).toEqual([]);
});

test("sends nothing within a response that has started if a malformed request follows one that waits", async () => {
  const { port } = await setUp();
  const socket = connect(port, "127.0.0.1");
  const received = text(socket);
  socket.write("GET /v1/availabilities/stream HTTP/1.1\r\nHost: gateway.test\r\n\r\n");
  await once(socket, "readable");
  socket.write("GET /healthz HTTP/1.1\r\nHost: gateway.test\r\n\r\nnot HTTP\r\n\r\n");
  expect((await received).match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200"]);
});

test("rejects what follows a whole request after the response to it, and to those between", async () => {
  const store = createMemoryStore().forCustomer("demo");
  await store.set(123, { status: "available" });
  const { send, defects } = await setUp({ availabilities: availabilityServiceOver(store), access: accessOf(123) });
  const body = '{"status":"other"}';
  const head = "PUT /v1/users/123/availability HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer token\r\n";
  const change = `${head}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  const received = await send(`${change}${change}a text that is not HTTP\r\n\r\n`);
  expect(received.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 200", "HTTP/1.1 200", "HTTP/1.1 400"]);
  expect(defects).toEqual([]);
});
