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
  upstreams: "its data of a telephony system is missing or too old",
};

/** Creates the liveness check: the process runs and responds. */
export function createLivenessRoutes(): Hono {
  return new Hono()
    .get("/healthz", (context) => context.json({ status: "ok" }, 200, UNCACHED))
    .all("/healthz", methodNotAllowed(ALLOWED));
}

/** Creates the readiness check for load balancers. The response does not name customers. */
export function createReadinessRoutes(readiness: Readiness): Hono {
  return new Hono()
    .get("/readyz", (context) => respondWithReadiness(context, readiness))
    .all("/readyz", methodNotAllowed(ALLOWED));
}

function respondWithReadiness(context: Context, readiness: Readiness): Response {
  const excluded = CHECKS.filter((check) => context.req.queries("exclude")?.includes(check));
  const { failing } = readiness.check(excluded);
  if (failing.length === 0) return context.json({ status: "ready" }, 200, UNCACHED);
  return problem(503, `The gateway is not ready: ${failing.map((name) => REASONS[name]).join(", and ")}`, {
    "Retry-After": "5",
  });
}

/** Creates the readiness check for the operator, with the health of every customer. Not for customers' eyes. */
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

/** JSON has no infinity, so data that was never read has the age `null`. */
function toDetail(health: ReadinessReport["customers"][number]) {
  const toJson = (seconds: number) => (Number.isFinite(seconds) ? seconds : null);
  return {
    ...health,
    staleSeconds: toJson(health.staleSeconds),
    upstreamStaleSeconds: toJson(health.upstreamStaleSeconds),
  };
}

/** Serves the metrics in Prometheus's format. */
export function createMetricsRoutes(metrics: Metrics): Hono {
  return new Hono()
    .get("/metrics", async (context) => {
      const { body, contentType } = await metrics.read();
      return context.body(body, 200, { ...UNCACHED, "Content-Type": contentType });
    })
    .all("/metrics", methodNotAllowed(ALLOWED));
}
