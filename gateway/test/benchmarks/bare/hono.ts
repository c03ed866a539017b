/** A bare Hono route for each measured call, which responds with JSON that the benchmark has provided. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { Hono } from "hono";

/** The gateway's responses by path and query, so that both sides send the same bytes. */
const answers = new Map<string, unknown>(Object.entries(JSON.parse(process.env["BARE_ANSWERS"] ?? "{}")));

const availability = answers.get("/v1/users/123/availability") as { readonly version: number };
const etag = `"${availability.version}"`;
const lists = new Map(Array.from(answers, ([path, answer]) => [path.split(",").length, answer]));

const app = new Hono()
  .get("/v1/users/:userId/availability", (context) => {
    if (context.req.header("If-None-Match")?.includes(etag)) return context.body(null, 304, { ETag: etag });
    return context.json(availability);
  })
  .get("/v1/availabilities", (context) =>
    context.json(lists.get(context.req.query("userIds")?.split(",").length ?? 0)),
  );

const answer = getRequestListener(app.fetch);
// Connections stay open while the other sides are measured.
const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => void answer(request, response));
server.listen(0, "127.0.0.1", () => {
  console.log(`Bare Hono listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});
process.once("SIGTERM", () => process.exit());
