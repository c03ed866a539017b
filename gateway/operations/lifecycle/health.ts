import type { Context } from "hono";
import { Hono } from "hono";
import { methodNotAllowed, problem } from "../../http/problem.ts";
import type { CustomerHealth } from "../metrics/health-sources.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { CHECKS, type Check, DEFAULT_CHECKS, type FailedCheck, type Readiness } from "./readiness.ts";

const UNCACHED = { "Cache-Control": "no-store" };

const ALLOWED = "GET, HEAD";

const REASONS: Readonly<Record<FailedCheck, string>> = {
  closing: "it is closing",
  starting: "it has not reached its store since its start",
  store: "its store cannot be reached",
  upstreams: "its data of a telephony system is missing or too old",
};

/** Creates the liveness check: the process runs and responds. */
export function createLivenessRoutes(): Hono {
  return new Hono()
    .get("/healthz", (context) => context.json({ status: "ok" }, 200, UNCACHED))
    .all("/healthz", methodNotAllowed(ALLOWED));
}

/**
 * Creates the readiness check for load balancers. The response does not name customers. `?include=upstreams` adds a check,
 * `?exclude=store` removes one; another value is a 400, because a misspelt check would never fail.
 */
export function createReadinessRoutes(readiness: Pick<Readiness, "check">): Hono {
  return new Hono()
    .get("/readyz", (context) => respondWithReadiness(context, readiness))
    .all("/readyz", methodNotAllowed(ALLOWED));
}

function respondWithReadiness(context: Context, readiness: Pick<Readiness, "check">): Response {
  const included = context.req.queries("include") ?? [];
  const excluded = context.req.queries("exclude") ?? [];
  const unknown = [...included, ...excluded].find((name) => !isCheck(name));
  if (unknown !== undefined) {
    return problem(400, `include and exclude: expected ${CHECKS.join(" or ")}, got ${JSON.stringify(unknown)}`);
  }
  const checks = CHECKS.filter((name) => DEFAULT_CHECKS.includes(name) || included.includes(name));
  const failing = readiness.check(checks.filter((name) => !excluded.includes(name)));
  if (failing.length === 0) return context.json({ status: "ready" }, 200, UNCACHED);
  return problem(503, `The gateway is not ready: ${failing.map((name) => REASONS[name]).join(", and ")}`, {
    "Retry-After": "5",
  });
}

function isCheck(name: string): name is Check {
  return CHECKS.some((check) => check === name);
}

/** Creates the readiness check for the operator, with the health of every customer. Not for customers' eyes. */
export function createReadinessDetailRoutes(readiness: Pick<Readiness, "report">): Hono {
  return new Hono()
    .get("/readyz", (context) => {
      const { failing, customers } = readiness.report();
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
function toDetail(health: CustomerHealth) {
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
