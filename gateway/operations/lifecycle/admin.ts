import { Hono } from "hono";
import { problem } from "../../http/problem.ts";
import type { Metrics } from "../metrics/metrics.ts";
import { createLivenessRoutes, createMetricsRoutes, createReadinessDetailRoutes } from "./health.ts";
import type { Readiness } from "./readiness.ts";

/** Parts of the operator's side, which listens on an address of its own. */
export interface AdminOptions {
  readonly metrics: Metrics;
  readonly readiness: Readiness;
  readonly onDefect: (error: unknown) => void;
}

/** Creates the operator's side of a gateway: `/metrics`, `/readyz` by customer, `/healthz`. */
export function createAdmin({ metrics, readiness, onDefect }: AdminOptions): Hono {
  return new Hono()
    .onError((error) => {
      onDefect(error);
      return problem(500, "The gateway failed to answer; its log says why");
    })
    .notFound((context) => problem(404, `Nothing is at ${context.req.path}`))
    .route("/", createLivenessRoutes())
    .route("/", createReadinessDetailRoutes(readiness))
    .route("/", createMetricsRoutes(metrics));
}
