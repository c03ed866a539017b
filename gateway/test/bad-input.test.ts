/**
 * Sends arbitrary requests: every response matches `/openapi.json`. A request that cannot be served gets a problem,
 * never a 500.
 */
import { once } from "node:events";
import { connect } from "node:net";
import fc from "fast-check";
import { expect, onTestFinished, test } from "vitest";
import { scaleRuns } from "../../scripts/testing/property-runs.ts";
import { expectConformity } from "../openapi/conformity.ts";
import { serveGateway } from "../serve.ts";
import { TEST_FILES } from "./test-build.ts";
import { accessOf, testCustomers, testGateway } from "./test-gateway.ts";

const PATHS = [
  "/v1/users/%/availability",
  "/v1/availabilities",
  "/v1/availabilities/stream",
  "/c/%/v1/users/%/availability",
  "/c/%/v1/availabilities",
  "/c/demo/%",
  "/v1/%",
  "/healthz",
  "/openapi.json",
  "/%",
];

/** Valid ids, nearly valid ids, and arbitrary text. */
const id = fc.oneof(
  fc.constantFrom(
    "123",
    "demo",
    "404404",
    "0",
    "01",
    "-1",
    "1.5",
    "1e3",
    "9007199254740992",
    "__proto__",
    ".",
    "../..",
  ),
  fc.integer().map(String),
  fc.string({ unit: "binary" }).map(encodeURIComponent),
  fc.webSegment(),
);
const path = fc.tuple(fc.constantFrom(...PATHS), fc.infiniteStream(id)).map(([template, ids]) => {
  return template.replace(/%/g, () => ids.next().value);
});

const query = fc.oneof(
  fc.constant(""),
  fc.array(id, { maxLength: 5 }).map((ids) => `?userIds=${ids.join()}`),
  fc.integer({ min: 499, max: 502 }).map((count) => `?userIds=${Array(count).fill(123).join()}`),
  fc.array(fc.constantFrom("userIds=1", "userIds", "userIds=", "page=1", "%", "&&", "userIds[]=1")).map((parts) => {
    return `?${parts.join("&")}`;
  }),
  fc.webQueryParameters().map((text) => `?${text}`),
);

const headerValue = fc.oneof(
  fc.constantFrom("*", '"7"', 'W/"7"', "gzip;q=0, *", "application/json", "text/plain", "Bearer x", "Bearer", "💥"),
  fc.string(),
);
const HEADER_NAMES =
  "Accept Accept-Encoding Authorization Content-Encoding Content-Type If-Match If-None-Match Last-Event-ID Origin Range traceparent tracestate X-Forwarded-For X-Request-Id";
const headers = fc.dictionary(
  fc.constantFrom(...HEADER_NAMES.split(" ")),
  // A header holds no line breaks, and no characters beyond Latin-1.
  headerValue.map((text) => text.replace(/[^\t\x20-\x7e\x80-\xff]/g, "")),
);

const method = fc.constantFrom("GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS", "PROPFIND");

const body = fc.oneof(
  fc.constantFrom('{"status":"other"}', '{"status":"in_call"}', "{", "null", "[[[[", '{"status":{"$gt":""}}'),
  fc.json(),
  fc.string({ unit: "binary", maxLength: 5000, size: "max" }),
);

/** Matches file names of the gateway, line numbers, and engine names of errors. */
const INSIDE = /\.ts\b|\.js:\d|node_modules|\bat \w+ \(|TypeError|undefined/;

test("answers every request as documented, and reveals no internals", async () => {
  const app = await testGateway({ access: accessOf("operator") });
  const open = { Authorization: "Bearer token", "Content-Type": "application/json" };
  await fc.assert(
    fc.asyncProperty(method, path, query, headers, body, async (verb, where, what, given, text) => {
      const hasBody = verb !== "GET" && verb !== "HEAD";
      const isStream = verb === "GET" && where.endsWith("/stream");
      const answer = await app.request(`http://gateway.test${where}${what}`, {
        // Without a server, a stream has no connection to write to.
        method: isStream ? "HEAD" : verb,
        headers: { ...open, ...given },
        ...(hasBody && { body: text }),
      });
      expect(answer.status).toBeLessThan(500);
      if (answer.status >= 400) expect((await answer.text()).replace(JSON.stringify(where), "")).not.toMatch(INSIDE);
    }),
    { numRuns: scaleRuns(2000) },
  );
});

/** Starts a gateway, and returns a function that sends raw text and returns the raw response. */
async function listen() {
  const defects: unknown[] = [];
  let connections = 0;
  const customers = await testCustomers({ access: accessOf("operator") });
  const gateway = await serveGateway(
    { host: "127.0.0.1", port: 0 },
    { customers, files: TEST_FILES, onDefect: (error) => void defects.push(error) },
  );
  onTestFinished(gateway.close);

  async function send(text: string): Promise<Response> {
    const port = Number(new URL(gateway.origin).port);
    // A closed connection keeps its port for a minute, and an address has 28,232 of them: without the next one a connection gets no answer.
    // Linux has every address of 127.0.0.0/8.
    connections += 1;
    const localAddress = process.platform === "linux" ? `127.0.0.${2 + (connections % 250)}` : undefined;
    // Half open: a client that has sent its whole request may still read.
    const socket = connect({ port, host: "127.0.0.1", localAddress, allowHalfOpen: true });
    onTestFinished(() => void socket.destroy());
    let received = "";
    socket.setEncoding("latin1").on("data", (part) => {
      received += part;
    });
    // Bytes that are sent after the gateway has rejected the request may meet a closed connection.
    let fault: Error | undefined;
    socket.on("error", (error) => (fault = error));
    socket.end(text, "latin1");
    await Promise.race([once(socket, "end"), once(socket, "close")]);
    socket.destroy();
    return toResponse(received, fault);
  }

  return { send, defects };
}

function toResponse(received: string, fault: Error | undefined): Response {
  const [head = "", ...rest] = received.split("\r\n\r\n");
  const [line = "", ...fields] = head.split("\r\n");
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(line) ?? [];
  if (!status) throw new Error(`There is no answer, but ${JSON.stringify(received)}`, { cause: fault });
  const pairs = fields.map((field): [string, string] => {
    const colon = field.indexOf(":");
    return [field.slice(0, colon), field.slice(colon + 1).trim()];
  });
  const isEmpty = status === "304";
  return new Response(isEmpty ? null : rest.join("\r\n\r\n"), { status: Number(status), headers: pairs });
}

const HEAD = "PUT /v1/users/123/availability HTTP/1.1\r\nHost: gateway.test\r\nAuthorization: Bearer token\r\n";
const JSON_HEAD = `${HEAD}Content-Type: application/json\r\nConnection: close\r\n`;

test.each([
  ["a body that is shorter than its length", `${JSON_HEAD}Content-Length: 50\r\n\r\n{"status":`, 400],
  ["no body where one was promised", `${JSON_HEAD}Content-Length: 50\r\n\r\n`, 400],
  ["a chunk that is shorter than its length", `${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\n12\r\n{"status":`, 400],
  ["chunks without an end", `${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\n12\r\n{"status":"other"}\r\n`, 400],
  ["a chunk without a length", `${JSON_HEAD}Transfer-Encoding: chunked\r\n\r\nZZ\r\n{}`, 400],
  ["a body that is longer than a change", `${JSON_HEAD}Content-Length: 5000\r\n\r\n${" ".repeat(5000)}`, 413],
  ["a body that is longer than any", `${JSON_HEAD}Content-Length: 999999999999\r\n\r\n{}`, 413],
  ["a length below nothing", `${JSON_HEAD}Content-Length: -1\r\n\r\n`, 400],
  ["a head without an end", `${JSON_HEAD}X: `, 400],
  ["two hosts", `${JSON_HEAD}Host: else.test\r\nContent-Length: 18\r\n\r\n{"status":"other"}`, 400],
  ["300 headers", `${JSON_HEAD}${"X: y\r\n".repeat(300)}\r\n`, 431],
  ["a header of 100 KB", `${JSON_HEAD}X: ${"y".repeat(100_000)}\r\n\r\n`, 431],
  ["a token of 20 KB", `${HEAD.replace("token", "x".repeat(20_000))}Connection: close\r\n\r\n`, 415],
])("answers %s with a problem", async (_what, text, status) => {
  const { send, defects } = await listen();
  const answer = await send(text);
  expect(answer.status).toBe(status);
  await expectConformity({ method: "PUT", path: "/v1/users/123/availability", response: answer });
  expect(defects).toEqual([]);
});

test("answers a body whose length is correct, unlike the examples above", async () => {
  const { send } = await listen();
  expect((await send(`${JSON_HEAD}Content-Length: 18\r\n\r\n{"status":"other"}`)).status).toBe(200);
});

test("answers every request that a connection may bring, cut off anywhere", async () => {
  const { send, defects } = await listen();
  const bombs = fc.tuple(fc.nat({ max: 150 }), fc.nat({ max: 400 }));
  const cut = fc.oneof(fc.constant(1), fc.double({ min: 0.1, max: 1, noNaN: true }));
  await fc.assert(
    fc.asyncProperty(
      method,
      path,
      query,
      headers,
      bombs,
      body,
      cut,
      async (verb, where, what, given, bomb, text, at) => {
        const [count, length] = bomb;
        const fields = Object.entries({ ...given, Host: "gateway.test", Connection: "close" }).map((pair) =>
          pair.join(": "),
        );
        const padding = Array<string>(count).fill(`X-Bomb: ${"x".repeat(length)}`);
        const lengthField = `Content-Length: ${Buffer.byteLength(text)}`;
        // A stream is a valid response that does not end.
        const target = where.replace(/\/stream$/, "/streams") + what;
        const lines = [`${verb} ${target} HTTP/1.1`, ...fields, ...padding, lengthField, "", text];
        const whole = Buffer.from(lines.join("\r\n"));
        const answer = await send(whole.subarray(0, Math.ceil(whole.length * at)).toString("latin1"));
        expect(answer.status).toBeLessThan(500);
        // The HTTP parser answers malformed requests before the gateway knows the method.
        const isMethodKnown = verb !== "HEAD" || (await answer.clone().text()) === "";
        const { pathname } = new URL(target, "http://gateway.test");
        await expectConformity({ method: isMethodKnown ? verb : "GET", path: pathname, response: answer });
      },
    ),
    { numRuns: scaleRuns(300) },
  );
  expect(defects).toEqual([]);
});
