import { expect, test } from "vitest";
import { testGateway } from "./test/test-gateway.ts";

const gateway = await testGateway();

test("responds to a health check", async () => {
  const response = await gateway.request("/healthz");
  expect(response.status).toBe(200);
  expect(response.headers.get("Cache-Control")).toBe("no-store");
  await expect(response.json()).resolves.toEqual({ status: "ok" });
});

test.each(["/", "/v1", "/v1/users", "/widget/index.html", "/widget/other", "/favicon.ico"])(
  "responds with 404 at %s",
  async (path) => {
    const response = await gateway.request(`${path}?token=secret`);
    expect(response.status).toBe(404);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
    await expect(response.json()).resolves.toEqual({
      type: "about:blank",
      title: "Not Found",
      status: 404,
      detail: `Nothing is at ${path}`,
    });
  },
);

const PATHS = ["/healthz", "/v1/availabilities", "/v1/availabilities/stream", "/widget", "/widget/", "/embed.js"];

/** The gateway demands a token for a `PUT` below `/v1` before it responds with 405: see auth/authorize.test.ts. */
const isChange = (path: string, method: string): boolean => path.startsWith("/v1/") && method === "PUT";

test.each([
  ...PATHS.map((path) => [path, "GET, HEAD"]),
  ["/v1/users/123/availability", "GET, HEAD, PUT"],
  ["/widget/assets/a.js", "GET, HEAD"],
])("names the allowed methods if a request uses another method on %s", async (path, allow) => {
  const methods = ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"].filter((method) => !isChange(path, method));
  const responses = methods.map(async (method) => gateway.request(path, { method }));
  for (const response of await Promise.all(responses)) {
    expect(response.status).toBe(405);
    expect(response.headers.get("Allow")).toBe(allow);
    expect(response.headers.get("Content-Type")).toBe("application/problem+json");
  }
});

test.each(["/healthz", "/v1/users/123/availability", "/v1/availabilities", "/widget/", "/embed.js", "/nothing"])(
  "responds to HEAD at %s as to GET, without the body",
  async (path) => {
    const get = await gateway.request(path);
    const head = await gateway.request(path, { method: "HEAD" });
    expect(head.status).toBe(get.status);
    expect(head.headers.get("Content-Type")).toBe(get.headers.get("Content-Type"));
    await expect(head.text()).resolves.toBe("");
  },
);

test.each(["/healthz", "/v1/users/123/availability", "/widget", "/widget/", "/embed.js", "/nothing"])(
  "prevents browsers from guessing the type of %s",
  async (path) => {
    const response = await gateway.request(path);
    expect(response.headers.get("X-Content-Type-Options")).toBe("nosniff");
  },
);
