import { expect, test } from "vitest";
import { TEST_BUILD } from "../../test/test-build.ts";
import { testGateway } from "../../test/test-gateway.ts";

const gateway = await testGateway();

async function statusWhereHeld(path: string): Promise<number> {
  const etag = (await gateway.request(path)).headers.get("ETag") ?? "";
  return (await gateway.request(path, { headers: { "If-None-Match": etag } })).status;
}

test("serves the loader script to any page, and has every view ask whether it has changed", async () => {
  const answer = await gateway.request("/embed.js");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Content-Type")).toBe("text/javascript; charset=utf-8");
  expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(answer.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
  expect(answer.headers.get("Cache-Control")).toBe("public, max-age=0, must-revalidate");
  await expect(answer.text()).resolves.toBe(TEST_BUILD["embed.js"]);
  await expect(statusWhereHeld("/embed.js")).resolves.toBe(304);
});

test("serves a release of the loader script for ever, to pages that check its hash and to pages with COEP", async () => {
  const answer = await gateway.request("/embed-1.2.3.js");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Content-Type")).toBe("text/javascript; charset=utf-8");
  expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(answer.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
  expect(answer.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
  await expect(answer.text()).resolves.toBe(TEST_BUILD["embed-1.2.3.js"]);
  await expect(statusWhereHeld("/embed-1.2.3.js")).resolves.toBe(304);
});

test.each([
  "/embed-1.2.4.js",
  "/embed-constructor",
  "/embed-1.2.3.js.map",
  "/embed-..%2fserver.js",
  "/embed.integrity.json",
])("has nothing at %s", async (path) => {
  expect((await gateway.request(path)).status).toBe(404);
});

test.each(["/embed.js", "/embed-1.2.3.js"])("lets nobody write to %s", async (path) => {
  const answer = await gateway.request(path, { method: "POST" });
  expect([answer.status, answer.headers.get("Allow")]).toEqual([405, "GET, HEAD"]);
});
