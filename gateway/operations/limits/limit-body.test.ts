import { Hono } from "hono";
import { expect, test, vi } from "vitest";
import type { AppEnv } from "../../hono-env.ts";
import { limitBody } from "./limit-body.ts";

/** Sends a body to a route with a limit of four bytes, with Node's headers if there are some. */
async function send(body: string, nodeHeaders?: Readonly<Record<string, string>>) {
  const app = new Hono<AppEnv>()
    .use(limitBody(4, () => new Response(null, { status: 413 })))
    .post("/", (context) => context.text("read"));
  const request = new Request("http://localhost/", { method: "POST", body });
  const readBody = vi.spyOn(request, "body", "get");
  const bindings = nodeHeaders && { incoming: { headers: nodeHeaders } };
  const { status } = await app.fetch(request, bindings);
  return { status, hasReadBody: readBody.mock.calls.length > 0 };
}

test.each([
  ["4", 200],
  ["5", 413],
  ["0", 200],
  ["four", 413],
])("compares the declared length %s without the body", async (length, status) => {
  expect(await send("1234", { "content-length": length })).toEqual({ status, hasReadBody: false });
});

test.each([
  ["no length is declared", {}],
  ["a transfer encoding overrides the length", { "content-length": "1", "transfer-encoding": "chunked" }],
  ["there is no server", undefined],
])("reads the body if %s", async (_why, headers) => {
  expect(await send("1234", headers)).toEqual({ status: 200, hasReadBody: true });
  expect(await send("12345", headers)).toEqual({ status: 413, hasReadBody: true });
});
