import { Counter, Gauge, type Registry } from "prom-client";
import type { ReloadOutcome } from "../../reload/reload.ts";

/** Result of a reload, as a label. */
const RESULTS = { reloaded: "ok", rejected: "rejected" } as const satisfies Readonly<Record<ReloadOutcome, string>>;

/** Creates the metrics of reloads. The start counts as the last successful reload until another one succeeds. */
export function createReloadMetrics(registry: Registry) {
  const registers = [registry];
  const metrics = {
    reloads: new Counter({
      name: "gateway_reloads_total",
      help: "Reloads of the settings on SIGHUP, by result.",
      labelNames: ["result"],
      registers,
    }),
    lastSuccess: new Gauge({
      name: "gateway_last_reload_success_timestamp_seconds",
      help: "Time of the last successful reload of the settings, or of the start.",
      registers,
    }),
    isSuccessful: new Gauge({
      name: "gateway_last_reload_successful",
      help: "0 if the last reload of the settings was rejected, 1 otherwise.",
      registers,
    }),
  };
  // From zero, so that the increase of the first reload counts.
  for (const result of Object.values(RESULTS)) metrics.reloads.inc({ result }, 0);
  metrics.lastSuccess.setToCurrentTime();
  metrics.isSuccessful.set(1);
  return metrics;
}

/** Counts a reload. */
export function countReload(metrics: ReturnType<typeof createReloadMetrics>, outcome: ReloadOutcome): void {
  metrics.reloads.inc({ result: RESULTS[outcome] });
  metrics.isSuccessful.set(outcome === "reloaded" ? 1 : 0);
  if (outcome === "reloaded") metrics.lastSuccess.setToCurrentTime();
}
