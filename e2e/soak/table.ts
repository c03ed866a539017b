/** The soak's tables. */
import type { Metric } from "./gauge.ts";
import type { Growth } from "./growth.ts";
import type { Scenario } from "./scenarios.ts";

const NAMES: Readonly<Record<Metric, string>> = {
  JSHeapUsedSize: "heap, bytes",
  Nodes: "DOM nodes",
  JSEventListeners: "listeners",
  Frames: "frames",
  Documents: "documents",
};

/** Formats a line per metric: first and last reading, slope with its error, and verdict. */
export function tabulate(growths: readonly Growth[], { unit, isControl }: Scenario): string {
  const rows = growths.map(({ metric, start, end, slope, standardError, interval, isFlat }) => [
    NAMES[metric],
    String(start),
    String(end),
    `${slope.toFixed(3)} ± ${standardError.toFixed(3)}`,
    `${interval[0].toFixed(3)} to ${interval[1].toFixed(3)}`,
    isFlat ? "flat" : isControl ? "leaks, as it should" : "LEAKS",
  ]);
  const head = ["", "start", "end", `per ${unit} ± standard error`, "95 % interval", "verdict"];
  const table = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
