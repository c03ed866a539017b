import { expect, test } from "vitest";
import { problem } from "../http/problem.ts";
import { expectConformity, type HttpExchange } from "./conformity.ts";

const GUARDS = { "X-Content-Type-Options": "nosniff", "Cross-Origin-Resource-Policy": "same-origin" };
const HEADERS = {
  ...GUARDS,
  "Content-Type": "application/json",
  "Cache-Control": "private, no-cache",
  ETag: '"7"',
};
const AVAILABILITY = { userId: 1, status: "available", version: 7 };

interface Init {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
}

function exchange(parts: Partial<HttpExchange> & { readonly body?: unknown; readonly init?: Init } = {}): HttpExchange {
  const { method = "GET", path = "/v1/users/1/availability", body = AVAILABILITY, init = {} } = parts;
  const headers = { ...HEADERS, ...init.headers };
  const response = parts.response ?? new Response(JSON.stringify(body), { ...init, headers });
  return { method, path, response };
}

test("accepts a documented response at each customer's address, and keeps its body readable", async () => {
  for (const path of ["/v1/users/1/availability", "/c/acme/v1/users/1/availability"]) {
    const accepted = exchange({ path });
    await expectConformity(accepted);
    await expect(accepted.response.json()).resolves.toEqual(AVAILABILITY);
  }
});

const problemWith = (status: 404 | 405, headers = {}) => problem(status, "No", { ...GUARDS, ...headers });

test.each([
  ["an undocumented status", { init: { status: 206 } }, /no such status is documented/],
  ["an undocumented header", { init: { headers: { Server: "x" } } }, /no header server is documented/],
  ["a header in a wrong form", { init: { headers: { ETag: 'W/"7"' } } }, /the header ETag is W\/"7": data must match/],
  ["an invalid number", { init: { headers: { Age: "old" } } }, /the header Age is old: data must be integer/],
  ["another content type", { init: { headers: { "Content-Type": "text/html" } } }, /no content of type "text\/html"/],
  ["a body in a wrong form", { body: { ...AVAILABILITY, status: "away" } }, /the body is .*must be equal to one of/],
  ["an additional key", { body: { ...AVAILABILITY, name: "Ann" } }, /must NOT have additional properties/],
  ["only one wrap-up key", { body: { ...AVAILABILITY, wrapUpTimeConfig: 1 } }, /must have property wrapUpTimeTtl/],
  ["a body to HEAD", { method: "HEAD" }, /there is a body where none is documented/],
  ["an error that is not a problem", { path: "/nothing", init: { status: 404 } }, /an error has the content type/],
  ["a 405 without Allow", { method: "POST", response: problemWith(405) }, /the header Allow is missing/],
  [
    "a missing header",
    { response: new Response("{}", { headers: { "Content-Type": "application/json" } }) },
    /the header ETag is missing/,
  ],
])("rejects %s", async (_what, parts, message) => {
  await expect(expectConformity(exchange(parts))).rejects.toThrow(message);
});

test("accepts any problem for an undocumented path", async () => {
  await expectConformity({ method: "GET", path: "/nothing", response: problemWith(404) });
  await expectConformity({ method: "DELETE", path: "/healthz", response: problemWith(405, { Allow: "GET, HEAD" }) });
});
