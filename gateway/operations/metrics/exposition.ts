import { setImmediate as nextTurn } from "node:timers/promises";
import type { Registry } from "prom-client";

/** Number of values to format before other work of the process gets a turn. */
const VALUES_PER_TURN = 500;

type Labels = Readonly<Partial<Record<string, string | number>>>;

interface Value {
  readonly value: number;
  readonly labels: Labels;
  /** Name with a suffix, for a part of a histogram. */
  readonly metricName?: string;
}

/**
 * Formats the metrics as `registry.metrics()` does, and lets other work of the process go on in between: with 5,000
 * customers the library's function holds up every request for 330 ms.
 */
export async function formatMetrics(registry: Registry): Promise<string> {
  const texts: string[] = [];
  for (const { name } of registry.getMetricsAsArray()) {
    const metric = await registry.getSingleMetric(name)?.get();
    if (!metric) continue;
    texts.push(`# HELP ${name} ${escape(metric.help)}\n# TYPE ${name} ${metric.type}\n`);
    const values: readonly Value[] = metric.values;
    for (let start = 0; start < values.length; start += VALUES_PER_TURN) {
      texts.push(...values.slice(start, start + VALUES_PER_TURN).map((value) => formatValue(name, value)));
      await nextTurn();
    }
    texts.push("\n");
  }
  return texts.join("");
}

function formatValue(name: string, { metricName = name, labels, value }: Value): string {
  const pairs = Object.entries(labels).map(([label, text]) => `${label}="${escapeLabel(`${text}`)}"`);
  return `${metricName}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${formatNumber(value)}\n`;
}

function formatNumber(value: number): string {
  if (Number.isFinite(value)) return `${value}`;
  return Number.isNaN(value) ? "Nan" : value > 0 ? "+Inf" : "-Inf";
}

function escape(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

function escapeLabel(text: string): string {
  return escape(text).replaceAll('"', '\\"');
}
