/** The debug log: records of a connector in the page's console, redacted. */
import type { Connector, ConnectorRecord } from "../connector.ts";
import { redactEntry } from "./export.ts";
import { createRedactor } from "./redact.ts";
import { openTap } from "./tap.ts";
import { createTimeline } from "./timeline.ts";

const ARROWS = { out: "→", in: "←", here: "·" };

/** The log's part of a console. */
export type DebugConsole = Pick<Console, "groupCollapsed" | "groupEnd" | "log">;

/**
 * Writes each record to the console until the end of the connector: an event as a closed group with the JSON, a change of the connection as
 * a line.
 *
 * @param earlier earlier records of the connector.
 */
export function startDebugLog(
  connector: Connector,
  earlier: readonly ConnectorRecord[] = [],
  output: DebugConsole = console,
): void {
  const redactor = createRedactor();
  const timeline = createTimeline(1);
  const close = openTap(connector, earlier, (record) => {
    const { title, direction, id = "", durationMs, attempt, event } = redactEntry(timeline.add(record), redactor);
    const duration = durationMs === undefined ? "" : ` ${durationMs} ms`;
    const line = `availability-bridge ${ARROWS[direction]} ${title} ${id}${attempt ? ` sent again (${attempt})` : ""}${duration}`;
    if (event === undefined) output.log(line);
    else {
      output.groupCollapsed(line);
      output.log(event);
      output.groupEnd();
    }
    // In a microtask, since earlier records come during `openTap`.
    if (title === "Connector closed") queueMicrotask(() => close());
  });
}
