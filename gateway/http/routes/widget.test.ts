import { expect, test } from "vitest";
import { TEST_BUILD } from "../../test/test-build.ts";
import { testGateway } from "../../test/test-gateway.ts";

const gateway = await testGateway({ allowedOrigins: ["https://crm.example.com", "http://localhost:4000"] });

async function statusWhereHeld(path: string): Promise<number> {
  const etag = (await gateway.request(path)).headers.get("ETag") ?? "";
  return (await gateway.request(path, { headers: { "If-None-Match": etag } })).status;
}

test("redirects to the document's address, relative to where it was asked", async () => {
  const answer = await gateway.request("/widget?lang=en");
  expect(answer.status).toBe(308);
  expect(answer.headers.get("Location")).toBe("widget/?lang=en");
  expect(answer.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
});

test("serves the document with its settings to the pages of the allowed origins", async () => {
  const answer = await gateway.request("/widget/");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
  expect(answer.headers.get("Content-Security-Policy")).toContain(
    "; frame-ancestors https://crm.example.com http://localhost:4000;",
  );
  expect(answer.headers.has("X-Frame-Options")).toBe(false);
  await expect(answer.text()).resolves.toContain("&quot;apiBase&quot;:&quot;../v1/&quot;");
});

test("lets a cross-origin isolated page embed the document", async () => {
  const { headers } = await gateway.request("/widget/");
  expect(headers.get("Cross-Origin-Embedder-Policy")).toBe("require-corp");
  expect(headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
});

test("denies the document what it has no use for", async () => {
  const { headers } = await gateway.request("/widget/");
  expect(headers.get("Referrer-Policy")).toBe("no-referrer");
  expect(headers.get("Permissions-Policy")).toContain("camera=(), ");
});

test("has every view of the document ask whether it has changed", async () => {
  const { headers } = await gateway.request("/widget/");
  expect(headers.get("Cache-Control")).toBe("no-cache");
  await expect(statusWhereHeld("/widget/")).resolves.toBe(304);
});

test("serves the document's files for ever, since their names change with their content", async () => {
  const answer = await gateway.request("/widget/assets/view-Bx1.js");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
  expect(answer.headers.get("Content-Type")).toBe("text/javascript; charset=utf-8");
  expect(answer.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
  await expect(answer.text()).resolves.toBe(TEST_BUILD["widget/assets/view-Bx1.js"]);
  await expect(statusWhereHeld("/widget/assets/view-Bx1.js")).resolves.toBe(304);
});

test.each([
  "/widget/assets/",
  "/widget/assets/nothing.js",
  "/widget/assets/../../embed.js.map",
  "/widget/assets/..%2f..%2fserver.js",
  "/widget/assets/%2e%2e/%2e%2e/package.json",
  "/widget/assets/constructor",
])("has nothing at %s", async (path) => {
  const answer = await gateway.request(path);
  expect(answer.status).toBe(404);
  expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
});
