import { once } from "node:events";
import { connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { serveGateway } from "../../serve.ts";
import { TEST_FILES } from "../../test/test-build.ts";
import { testCustomers } from "../../test/test-gateway.ts";

async function setUp() {
  const defects: unknown[] = [];
  const gateway = await serveGateway(
    { host: "127.0.0.1", port: 0 },
    { customers: await testCustomers(), files: TEST_FILES, onDefect: (error) => void defects.push(error) },
  );
  onTestFinished(gateway.close);
  const port = Number(new URL(gateway.origin).port);

  /** Sends a text as it is, and resolves with all that comes back until the connection is closed. */
  async function send(text: string): Promise<string> {
    const socket = connect(port, "127.0.0.1");
    onTestFinished(() => void socket.destroy());
    let answer = "";
    socket.setEncoding("utf8").on("data", (part) => {
      answer += part;
    });
    // What is sent after the gateway has refused may meet a closed connection.
    socket.on("error", () => {});
    socket.write(text);
    await once(socket, "close");
    return answer;
  }

  return { port, send, defects };
}

const HEAD = "Host: gateway.test\r\nConnection: close\r\n";

test.each([
  ["what is no HTTP", "\u0000\u0001 garbage\r\n\r\n", 400],
  ["a method that does not exist", `PURLOIN / HTTP/1.1\r\n${HEAD}\r\n`, 400],
  ["a header without a name", `GET / HTTP/1.1\r\n${HEAD}: value\r\n\r\n`, 400],
  ["a length that is none", `POST / HTTP/1.1\r\n${HEAD}Content-Length: many\r\n\r\n`, 400],
  ["two lengths", `POST / HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab`, 400],
  [
    "a length beside chunks",
    `POST / HTTP/1.1\r\n${HEAD}Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
    400,
  ],
  ["a host that is none", "GET / HTTP/1.1\r\nHost: a b\r\nConnection: close\r\n\r\n", 400],
  ["no host", "GET / HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
  ["a body over 64 KiB", `POST /healthz HTTP/1.1\r\n${HEAD}Content-Length: 65537\r\n\r\n`, 413],
  [
    "chunks of over 64 KiB",
    `POST / HTTP/1.1\r\n${HEAD}Transfer-Encoding: chunked\r\n\r\n${"8000\r\n".concat("a".repeat(0x8000), "\r\n").repeat(3)}0\r\n\r\n`,
    413,
  ],
  ["a long address", `GET /${"a".repeat(12_288)} HTTP/1.1\r\n${HEAD}\r\n`, 414],
  ["an expectation that nobody knows", `POST / HTTP/1.1\r\n${HEAD}Expect: miracles\r\nContent-Length: 0\r\n\r\n`, 417],
  ["a hundred headers and one", `GET / HTTP/1.1\r\n${HEAD}${"a: b\r\n".repeat(99)}\r\n`, 431],
  ["a header of a megabyte", `GET / HTTP/1.1\r\n${HEAD}X: ${"a".repeat(1_000_000)}\r\n\r\n`, 431],
])("answers %s with a problem", async (_what, text, status) => {
  const { send, defects } = await setUp();
  const [head = "", body = ""] = (await send(text)).split("\r\n\r\n");
  expect(head.split("\r\n")[0]).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  expect(head.toLowerCase()).toContain("\r\ncontent-type: application/problem+json");
  expect(JSON.parse(body)).toMatchObject({ type: "about:blank", status });
  expect(defects).toEqual([]);
});

test("answers an address of 500 user ids of sixteen digits", async () => {
  const { send } = await setUp();
  const ids = Array.from({ length: 500 }, (_, index) => 1_000_000_000_000_000 + index).join(",");
  expect(await send(`GET /healthz?userIds=${ids} HTTP/1.1\r\n${HEAD}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
});

test("takes no truncated body for a defect, whether its length was named or not", async () => {
  const { port, defects, send } = await setUp();
  for (const head of ["Content-Length: 100", "Transfer-Encoding: chunked"]) {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.write(`POST /v1/users/123/availability HTTP/1.1\r\nHost: gateway.test\r\n${head}\r\n\r\n5\r\nab`);
    socket.resetAndDestroy();
  }
  // Asked over the same event loop after both, so that they have been dealt with.
  expect(await send(`GET /healthz HTTP/1.1\r\n${HEAD}\r\n`)).toMatch(/^HTTP\/1\.1 200 /);
  expect(defects).toEqual([]);
});
