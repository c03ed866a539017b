import { Hono } from "hono";
import { methodNotAllowed } from "../problem.ts";

/** Tells whoever watches over the process that it runs and answers. */
export function createHealthRoutes(): Hono {
  return new Hono()
    .get("/healthz", (context) => context.json({ status: "ok" }, 200, { "Cache-Control": "no-store" }))
    .all("/healthz", methodNotAllowed("GET, HEAD"));
}
