import { expect, test } from "vitest";
import { TEST_BUILD } from "../../test/test-build.ts";
import { testGateway } from "../../test/test-gateway.ts";

const gateway = await testGateway({ allowedOrigins: ["https://crm.example.com", "http://localhost:4000"] });

async function statusWhereHeld(path: string): Promise<number> {
  const etag = (await gateway.request(path)).headers.get("ETag") ?? "";
  return (await gateway.request(path, { headers: { "If-None-Match": etag } })).status;
}

test("redirects to the document's address by a relative location", async () => {
  const response = await gateway.request("/widget?lang=en");
  expect(response.status).toBe(308);
  expect(response.headers.get("Location")).toBe("widget/?lang=en");
  expect(response.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
});

test("serves the document and its settings to pages of the allowed origins", async () => {
  const response = await gateway.request("/widget/");
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
  expect(response.headers.get("Content-Security-Policy")).toContain(
    "; frame-ancestors https://crm.example.com http://localhost:4000;",
  );
  expect(response.headers.has("X-Frame-Options")).toBe(false);
  await expect(response.text()).resolves.toContain("&quot;apiBase&quot;:&quot;../v1/&quot;");
});

test("allows a cross-origin isolated page to embed the document", async () => {
  const { headers } = await gateway.request("/widget/");
  expect(headers.get("Cross-Origin-Embedder-Policy")).toBe("require-corp");
  expect(headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
});

test("denies the document every feature that it does not use", async () => {
  const { headers } = await gateway.request("/widget/");
  expect(headers.get("Referrer-Policy")).toBe("no-referrer");
  expect(headers.get("Permissions-Policy")).toContain("camera=(), ");
});

test("revalidates the document at each view", async () => {
  const { headers } = await gateway.request("/widget/");
  expect(headers.get("Cache-Control")).toBe("no-cache");
  await expect(statusWhereHeld("/widget/")).resolves.toBe(304);
});

test("serves the document's files as immutable, because their names contain a hash", async () => {
  const response = await gateway.request("/widget/assets/view-Bx1.js");
  expect(response.status).toBe(200);
  expect(response.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
  expect(response.headers.get("Content-Type")).toBe("text/javascript; charset=utf-8");
  expect(response.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
  await expect(response.text()).resolves.toBe(TEST_BUILD["widget/assets/view-Bx1.js"]);
  await expect(statusWhereHeld("/widget/assets/view-Bx1.js")).resolves.toBe(304);
});

test.each([
  "/widget/assets/",
  "/widget/assets/nothing.js",
  "/widget/assets/../../embed.js.map",
  "/widget/assets/..%2f..%2fserver.js",
  "/widget/assets/%2e%2e/%2e%2e/package.json",
  "/widget/assets/constructor",
])("responds with 404 at %s", async (path) => {
  const response = await gateway.request(path);
  expect(response.status).toBe(404);
  expect(response.headers.get("Content-Type")).toBe("application/problem+json");
});
