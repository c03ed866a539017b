/** Compressed scripts, files and documents over a socket. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { type IncomingHttpHeaders, type IncomingMessage, request } from "node:http";
import { buffer } from "node:stream/consumers";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { expect, onTestFinished, test, vi } from "vitest";
import { readBuiltFiles } from "../../assets/built-files.ts";
import { serveGateway } from "../../serve.ts";
import { TEST_BUILD, writeBuild } from "../../test/test-build.ts";
import { testCustomers, throwDefect } from "../../test/test-gateway.ts";

/** Code that becomes smaller by compression. */
const code = (name: string) => `export const ${name} = "available";\n`.repeat(20);

const BUILD = {
  ...TEST_BUILD,
  "embed.js": code("script"),
  "embed-1.2.3.js": code("release"),
  "embed-badge-1a2b3c4d.js": code("badge"),
  "widget/assets/view-Bx1.js": code("view"),
};

const PATHS = [
  "/embed.js",
  "/embed-1.2.3.js",
  "/embed-badge-1a2b3c4d.js",
  "/widget/assets/view-Bx1.js",
  "/widget/",
  "/c/demo/embed.js",
  "/c/demo/widget/",
];

async function startGateway(): Promise<string> {
  const { directory, remove } = await writeBuild(BUILD);
  onTestFinished(remove);
  const files = await readBuiltFiles(directory);
  const options = { customers: await testCustomers(), files, onDefect: throwDefect };
  const { origin, close } = await serveGateway({ host: "127.0.0.1", port: 0 }, options);
  onTestFinished(close);
  return origin;
}

interface Received {
  readonly status: number | undefined;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Sends a request, and returns the body as received, without decompression. */
async function send(url: string, headers: Readonly<Record<string, string>>, method = "GET"): Promise<Received> {
  const sent = request(url, { method, headers, agent: false }).end();
  const [response]: IncomingMessage[] = await once(sent, "response");
  if (!response) throw new Error("A response event has a response");
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
}

function decompress({ headers, body }: Received): string {
  const encoding = headers["content-encoding"];
  if (encoding === "br") return String(brotliDecompressSync(body));
  return String(encoding === "gzip" ? gunzipSync(body) : body);
}

/** Sends requests until the gateway has compressed the widget's document in the background. */
async function sendUntilBrotli(url: string, headers: Readonly<Record<string, string>> = {}): Promise<Received> {
  return vi.waitFor(async () => {
    const received = await send(url, { "Accept-Encoding": "gzip, deflate, br", ...headers });
    expect(received.headers["content-encoding"]).toBe("br");
    return received;
  }, 20_000);
}

test.each(PATHS)("sends %s in brotli, in gzip and as it is: the same content", async (path) => {
  const origin = await startGateway();
  const brotli = await sendUntilBrotli(origin + path);
  const gzip = await send(origin + path, { "Accept-Encoding": "gzip" });
  const plain = await send(origin + path, {});
  expect([brotli, gzip, plain].map(({ headers }) => headers["content-encoding"])).toEqual(["br", "gzip", undefined]);
  expect([decompress(brotli), decompress(gzip)]).toEqual([String(plain.body), String(plain.body)]);
  expect(brotli.body.length).toBeLessThan(plain.body.length);
  expect(gzip.body.length).toBeLessThan(plain.body.length);
  for (const { headers, body } of [brotli, gzip, plain]) {
    expect(headers["content-length"]).toBe(`${body.length}`);
    expect(headers.vary).toBe("Accept-Encoding");
  }
  expect(new Set([brotli, gzip, plain].map(({ headers }) => headers.etag)).size).toBe(3);
});

test.each(PATHS)("sends the headers of %s to HEAD as to GET, Content-Length included", async (path) => {
  const origin = await startGateway();
  const accepted = { "Accept-Encoding": "gzip, br" };
  const get = await sendUntilBrotli(origin + path);
  const head = await send(origin + path, accepted, "HEAD");
  const { date: _getDate, ...expected } = get.headers;
  const { date: _headDate, ...received } = head.headers;
  expect(received).toEqual(expected);
  expect(head.body).toHaveLength(0);
});

test.each(["/embed.js", "/widget/"])("sends the whole of %s to a request for a range", async (path) => {
  const origin = await startGateway();
  const { status, headers, body } = await send(origin + path, { Range: "bytes=0-9" });
  expect([status, headers["content-range"]]).toEqual([200, undefined]);
  expect(body.length).toBeGreaterThan(10);
  const compressed = await sendUntilBrotli(origin + path, { Range: "bytes=0-9" });
  expect(decompress(compressed)).toBe(String(body));
});

test("sends a script whose decompressed bytes have the hash of the release, by which pages pin the script", async () => {
  const origin = await startGateway();
  const digest = (text: string) => createHash("sha384").update(text).digest("base64");
  const received = await send(`${origin}/embed-1.2.3.js`, { "Accept-Encoding": "br" });
  expect(received.headers["content-encoding"]).toBe("br");
  expect(received.headers["access-control-allow-origin"]).toBe("*");
  expect(digest(decompress(received))).toBe(digest(BUILD["embed-1.2.3.js"]));
});

test("sends the policy of the widget's document with each encoding, and with the 304", async () => {
  const origin = await startGateway();
  const brotli = await sendUntilBrotli(`${origin}/widget/`);
  const plain = await send(`${origin}/widget/`, {});
  const held = { "Accept-Encoding": "br", "If-None-Match": brotli.headers.etag ?? "" };
  const unchanged = await send(`${origin}/widget/`, held);
  expect(unchanged.status).toBe(304);
  const policies = [brotli, plain, unchanged].map(({ headers }) => headers["content-security-policy"]);
  expect(policies).toEqual(Array(3).fill(plain.headers["content-security-policy"]));
  expect(policies[0]).toContain("frame-ancestors https://crm.example.com");
});

test("responds with 406 to a client that accepts no encoding of a script, and tells pages so", async () => {
  const origin = await startGateway();
  const { status, headers } = await send(`${origin}/embed.js`, { "Accept-Encoding": "identity;q=0" });
  expect([status, headers["access-control-allow-origin"], headers.vary]).toEqual([406, "*", "Accept-Encoding"]);
});
