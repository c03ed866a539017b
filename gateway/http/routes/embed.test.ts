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

test.each([
  [
    "/embd.js",
    "No script embd.js here; the script tag's address ends in /embed.js; the releases here are embed-1.2.3.js",
  ],
  ["/embed-0.0.9.js", /^No script embed-0\.0\.9\.js here; /],
  ["/embed-VERSION.js", /^No script embed-VERSION\.js here; /],
  ["/index.js", /^No script index\.js here; /],
  ["/c/demo/embd.js", /^No script embd\.js here; /],
  ["/c/nobody/embed.js", "Nothing is at /c/nobody/embed.js"],
])(
  "lets a browser report %s as missing, not as a CORS fault, and names the scripts that there are",
  async (path, detail) => {
    const answer = await gateway.request(path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("*");
    expect(answer.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
    const problem: { readonly detail: string } = await answer.json();
    expect(problem.detail).toMatch(detail);
  },
);

test.each(["/widget/assets/view-old.js", "/widget/nothing", "/c/nobody/widget/"])(
  "lets a browser report %s as missing below the widget's document",
  async (path) => {
    const answer = await gateway.request(path);
    expect([answer.status, answer.headers.get("Cross-Origin-Resource-Policy")]).toEqual([404, "cross-origin"]);
    expect(answer.headers.has("Access-Control-Allow-Origin")).toBe(false);
  },
);

test("sends the cross-origin headers with a method that a script's address does not allow", async () => {
  const answer = await gateway.request("/embed.js", { method: "POST" });
  expect(answer.headers.get("Access-Control-Allow-Origin")).toBe("*");
  expect(answer.headers.get("Cross-Origin-Resource-Policy")).toBe("cross-origin");
});

test.each(["/v1/embed.js", "/v1/users/123/availability", "/c/demo/v1/embed.js", "/v1", "/nothing", "/healthz"])(
  "lets no other site read %s",
  async (path) => {
    const answer = await gateway.request(path);
    expect(answer.headers.get("Cross-Origin-Resource-Policy")).toBe("same-origin");
    expect(answer.headers.has("Access-Control-Allow-Origin")).toBe(false);
  },
);
