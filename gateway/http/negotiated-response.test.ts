import { expect, test } from "vitest";
import type { ContentEncoding } from "./content-encoding.ts";
import { type EncodedContent, negotiatedResponse } from "./negotiated-response.ts";

/** Bodies with the names of the encodings, since the tests do not decompress. */
const BODIES: Readonly<Record<ContentEncoding, string>> = { br: "in br", gzip: "in gzip", identity: "as it is" };

function contentIn(...encodings: readonly ContentEncoding[]): EncodedContent {
  return {
    etag: '"7"',
    contentType: "text/plain",
    headers: { "Cache-Control": "no-cache" },
    bodyIn: (encoding) => (encodings.includes(encoding) ? new TextEncoder().encode(BODIES[encoding]) : undefined),
  };
}

const ALL = contentIn("br", "gzip", "identity");

function answerTo(headers: Readonly<Record<string, string>>, content = ALL): Response {
  return negotiatedResponse(new Request("http://gateway.test/", { headers }), content);
}

test.each([
  ["gzip, br", "br", '"7.br"'],
  ["gzip", "gzip", '"7.gz"'],
])("sends the encoding that %j prefers, with a tag and a length of its own", async (accepted, encoding, etag) => {
  const response = answerTo({ "Accept-Encoding": accepted });
  const body = await response.text();
  expect(body).toBe(`in ${encoding}`);
  expect(Object.fromEntries(response.headers)).toEqual({
    "cache-control": "no-cache",
    "content-encoding": encoding,
    "content-length": `${body.length}`,
    "content-type": "text/plain",
    etag,
    vary: "Accept-Encoding",
  });
});

test("sends the content as it is, with its own tag and no Content-Encoding, to a client without the header", async () => {
  const response = answerTo({});
  await expect(response.text()).resolves.toBe("as it is");
  expect(response.headers.get("ETag")).toBe('"7"');
  expect(response.headers.has("Content-Encoding")).toBe(false);
  expect(response.headers.get("Vary")).toBe("Accept-Encoding");
});

test("sends the next encoding that the client accepts if it does not have the first", async () => {
  const response = answerTo({ "Accept-Encoding": "br, gzip" }, contentIn("gzip", "identity"));
  expect(response.headers.get("Content-Encoding")).toBe("gzip");
  await expect(response.text()).resolves.toBe("in gzip");
});

test.each([
  ['"7.br"', "gzip, br", '"7.br"'],
  // Sent while the gateway had no brotli yet, or by a proxy that compresses the gateway's uncompressed responses.
  ['"7.gz"', "gzip, br", '"7.gz"'],
  ['W/"7"', "gzip, br", '"7"'],
  ['"7"', "", '"7"'],
  ["*", "gzip", '"7.gz"'],
])("responds with 304 to a client with %s that accepts %j", async (held, accepted, etag) => {
  const response = answerTo({ "Accept-Encoding": accepted, "If-None-Match": held });
  expect(response.status).toBe(304);
  await expect(response.text()).resolves.toBe("");
  expect(Object.fromEntries(response.headers)).toEqual({ "cache-control": "no-cache", etag, vary: "Accept-Encoding" });
});

test("responds with 304 to a client with brotli before it has brotli itself, as after a restart", () => {
  const response = answerTo({ "Accept-Encoding": "br", "If-None-Match": '"7.br"' }, contentIn("gzip", "identity"));
  expect(response.status).toBe(304);
});

test.each([
  ['"8.br"', "br"],
  ['"7.br"', "gzip"],
  ['"7.gz"', ""],
  ['"7-gzip"', "gzip"],
])("responds with 200 to a client with %s that accepts %j", (held, accepted) => {
  expect(answerTo({ "Accept-Encoding": accepted, "If-None-Match": held }).status).toBe(200);
});

test("responds with 406 to a client that accepts no encoding, and says which there are", async () => {
  const response = answerTo({ "Accept-Encoding": "identity;q=0, deflate" });
  expect(response.status).toBe(406);
  expect(response.headers.get("Vary")).toBe("Accept-Encoding");
  await expect(response.json()).resolves.toMatchObject({
    detail: "The content comes as br, gzip or identity, and Accept-Encoding allows none of them",
  });
});
