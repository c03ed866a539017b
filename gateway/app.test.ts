import { expect, test } from "vitest";
import { testGateway } from "./test/test-gateway.ts";

const gateway = await testGateway();

test("answers a health check", async () => {
  const answer = await gateway.request("/healthz");
  expect(answer.status).toBe(200);
  expect(answer.headers.get("Cache-Control")).toBe("no-store");
  await expect(answer.json()).resolves.toEqual({ status: "ok" });
});

test.each(["/", "/v1", "/v1/users", "/widget/index.html", "/widget/other", "/favicon.ico"])(
  "answers 404 at %s",
  async (path) => {
    const answer = await gateway.request(`${path}?token=secret`);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
    await expect(answer.json()).resolves.toEqual({
      type: "about:blank",
      title: "Not Found",
      status: 404,
      detail: `Nothing is at ${path}`,
    });
  },
);

const PATHS = ["/healthz", "/v1/availabilities", "/v1/availabilities/stream", "/widget", "/widget/", "/embed.js"];

/** A `PUT` below `/v1` needs a token before it is told that it is none: see tokens/authorize.test.ts. */
const isChange = (path: string, method: string): boolean => path.startsWith("/v1/") && method === "PUT";

test.each([
  ...PATHS.map((path) => [path, "GET, HEAD"]),
  ["/v1/users/123/availability", "GET, HEAD, PUT"],
  ["/widget/assets/a.js", "GET, HEAD"],
])("names the allowed methods where another one is used on %s", async (path, allow) => {
  const methods = ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"].filter((method) => !isChange(path, method));
  const answers = methods.map(async (method) => gateway.request(path, { method }));
  for (const answer of await Promise.all(answers)) {
    expect(answer.status).toBe(405);
    expect(answer.headers.get("Allow")).toBe(allow);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  }
});

test.each(["/healthz", "/v1/users/123/availability", "/v1/availabilities", "/widget/", "/embed.js", "/nothing"])(
  "answers HEAD at %s as GET, without the body",
  async (path) => {
    const get = await gateway.request(path);
    const head = await gateway.request(path, { method: "HEAD" });
    expect(head.status).toBe(get.status);
    expect(head.headers.get("Content-Type")).toBe(get.headers.get("Content-Type"));
    await expect(head.text()).resolves.toBe("");
  },
);

test.each(["/healthz", "/v1/users/123/availability", "/widget", "/widget/", "/embed.js", "/nothing"])(
  "lets no browser guess the type of %s",
  async (path) => {
    const answer = await gateway.request(path);
    expect(answer.headers.get("X-Content-Type-Options")).toBe("nosniff");
  },
);
