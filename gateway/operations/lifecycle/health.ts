import type { Context } from "hono";
import { Hono } from "hono";
import { methodNotAllowed, problem } from "../../http/problem.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { CHECKS, type Readiness, type ReadinessReport } from "./readiness.ts";

const UNCACHED = { "Cache-Control": "no-store" };

const ALLOWED = "GET, HEAD";

const REASONS: Readonly<Record<ReadinessReport["failing"][number], string>> = {
  closing: "it is closing",
  store: "its store cannot be reached",
  upstreams: "what it knows of a telephony system is missing or too old",
};

/** Tells whoever watches over the process that it runs and answers. */
export function createLivenessRoutes(): Hono {
  return new Hono()
    .get("/healthz", (context) => context.json({ status: "ok" }, 200, UNCACHED))
    .all("/healthz", methodNotAllowed(ALLOWED));
}

/** Tells load balancers whether to send requests here, and nobody which customer it is that is not served. */
export function createReadinessRoutes(readiness: Readiness): Hono {
  return new Hono()
    .get("/readyz", (context) => answerReadiness(context, readiness))
    .all("/readyz", methodNotAllowed(ALLOWED));
}

function answerReadiness(context: Context, readiness: Readiness): Response {
  const excluded = CHECKS.filter((check) => context.req.queries("exclude")?.includes(check));
  const { failing } = readiness.check(excluded);
  if (failing.length === 0) return context.json({ status: "ready" }, 200, UNCACHED);
  return problem(503, `The gateway is not ready: ${failing.map((name) => REASONS[name]).join(", and ")}`, {
    "Retry-After": "5",
  });
}

/** Tells the operator how every customer stands. Not for the eyes of customers. */
export function createReadinessDetailRoutes(readiness: Readiness): Hono {
  return new Hono()
    .get("/readyz", (context) => {
      const { failing, customers } = readiness.check();
      const status = failing.length === 0 ? "ready" : "not ready";
      return context.json(
        { status, failing, customers: customers.map(toDetail) },
        failing.length > 0 ? 503 : 200,
        UNCACHED,
      );
    })
    .all("/readyz", methodNotAllowed(ALLOWED));
}

/** JSON knows no infinity: of a customer that was never read, nobody can say how old it is. */
function toDetail(standing: ReadinessReport["customers"][number]) {
  return { ...standing, staleSeconds: Number.isFinite(standing.staleSeconds) ? standing.staleSeconds : null };
}

/** Serves the metrics as Prometheus collects them. */
export function createMetricsRoutes(metrics: Metrics): Hono {
  return new Hono()
    .get("/metrics", async (context) => {
      const { body, contentType } = await metrics.read();
      return context.body(body, 200, { ...UNCACHED, "Content-Type": contentType });
    })
    .all("/metrics", methodNotAllowed(ALLOWED));
}
