import { expect, test } from "vitest";
import { TEST_BUILD, TEST_FILES } from "../../test/test-build.ts";
import { checkedGateway, testCustomers, testGateway, throwDefect } from "../../test/test-gateway.ts";

const gateway = await testGateway();

async function statusWhereHeld(path: string): Promise<number> {
  const etag = (await gateway.request(path)).headers.get("ETag") ?? "";
  return (await gateway.request(path, { headers: { "If-None-Match": etag } })).status;
}

test("serves the loader script to any page, for five minutes without a question and an hour with one", async () => {
  const response = await gateway.request("/embed.js");
  expect(response.status).toBe(200);
  expect(response.headers.get("Content-Type")).toBe("text/javascript; charset=utf-8");
  expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(response.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
  expect(response.headers.get("Cache-Control")).toBe("public, max-age=300, stale-while-revalidate=3600");
  await expect(response.text()).resolves.toBe(TEST_BUILD["embed.js"]);
  await expect(statusWhereHeld("/embed.js")).resolves.toBe(304);
});

test.each([
  [60, "public, max-age=60, stale-while-revalidate=3600"],
  [0, "public, max-age=0, must-revalidate"],
])("lets browsers use the loader script for the operator's %i seconds", async (scriptMaxAgeSeconds, caching) => {
  const app = checkedGateway({
    customers: await testCustomers(),
    files: TEST_FILES,
    scriptMaxAgeSeconds,
    onDefect: throwDefect,
  });
  for (const path of ["/embed.js", "/c/demo/embed.js"]) {
    expect((await app.request(path)).headers.get("Cache-Control")).toBe(caching);
  }
  expect((await app.request("/embed-1.2.3.js")).headers.get("Cache-Control")).toContain("immutable");
});

test.each(["embed-1.2.3.js", "embed-badge-1a2b3c4d.js"] as const)(
  "serves %s as immutable, to pages with integrity and pages with COEP",
  async (name) => {
    const response = await gateway.request(`/${name}`);
    expect(response.status).toBe(200);
    expect(response.headers.get("Content-Type")).toBe("text/javascript; charset=utf-8");
    expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(response.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
    expect(response.headers.get("Cache-Control")).toBe("public, max-age=31536000, immutable");
    await expect(response.text()).resolves.toBe(TEST_BUILD[name]);
    await expect(statusWhereHeld(`/${name}`)).resolves.toBe(304);
  },
);

test.each([
  "/embed-1.2.4.js",
  "/embed-constructor",
  "/embed-1.2.3.js.map",
  "/embed-..%2fserver.js",
  "/embed.integrity.json",
])("responds with 404 at %s", async (path) => {
  expect((await gateway.request(path)).status).toBe(404);
});

test.each(["/embed.js", "/embed-1.2.3.js"])("allows no writing method at %s", async (path) => {
  const response = await gateway.request(path, { method: "POST" });
  expect([response.status, response.headers.get("Allow")]).toEqual([405, "GET, HEAD"]);
});

test.each([
  [
    "/embd.js",
    /^No script embd\.js here; the script tag's address ends in \/embed\.js; the releases here are embed-1\.2\.3\.js$/,
  ],
  ["/embed-0.0.9.js", /^No script embed-0\.0\.9\.js here; /],
  ["/embed-VERSION.js", /^No script embed-VERSION\.js here; /],
  ["/index.js", /^No script index\.js here; /],
  ["/c/demo/embd.js", /^No script embd\.js here; /],
  ["/c/nobody/embed.js", "Nothing is at /c/nobody/embed.js"],
])("sends cross-origin headers with the 404 of %s, and names the existing scripts", async (path, detail) => {
  const response = await gateway.request(path);
  expect(response.status).toBe(404);
  expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(response.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
  const problem: { readonly detail: string } = await response.json();
  expect(problem.detail).toMatch(detail);
});

test.each(["/widget/assets/view-old.js", "/widget/nothing", "/c/nobody/widget/"])(
  "sends cross-origin headers with the 404 of %s below the widget's document",
  async (path) => {
    const response = await gateway.request(path);
    expect([response.status, response.headers.get("Cross-Origin-Resource-Policy")]).toEqual([404, "cross-origin"]);
    expect(response.headers.has("Access-Control-Allow-Origin")).toBe(false);
  },
);

test("sends cross-origin headers with the 405 of a script", async () => {
  const response = await gateway.request("/embed.js", { method: "POST" });
  expect(response.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(response.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
});

test.each(["/v1/embed.js", "/v1/users/123/availability", "/c/demo/v1/embed.js", "/v1", "/nothing", "/healthz"])(
  "allows no other site to load %s",
  async (path) => {
    const response = await gateway.request(path);
    expect(response.headers.get("Cross-Origin-Resource-Policy")).toBe("same-origin");
    expect(response.headers.has("Access-Control-Allow-Origin")).toBe(false);
  },
);
