/** A CRM's page that connects and then mounts a table of 5,000 rows with a badge each, of which some are on the screen. */
import { connect, defineAvailabilityBadge } from "../../../host/index.ts";

const ROWS = 5_000;

/** Number of agents, each of whom has several rows. */
const AGENTS = 1_000;

/** Rows that are on the screen for sure. */
const ON_SCREEN = 20;

const { widget = "" } = document.body.dataset;
let longTasksMs = 0;
new PerformanceObserver((entries) => {
  for (const { duration } of entries.getEntries()) longTasksMs += duration;
}).observe({ type: "longtask", buffered: true });

const table = document.createElement("table");

/** Resolves with the time at which the rows on the screen show their agents. */
function whenShown(): Promise<number> {
  const waiting = new Set<Node>([...table.querySelectorAll("availability-badge")].slice(0, ON_SCREEN));
  return new Promise((resolve) => {
    const observer = new MutationObserver((records) => {
      for (const { target } of records) {
        if (target instanceof Element && target.getAttribute("data-state") !== "loading") waiting.delete(target);
      }
      if (waiting.size > 0) return;
      observer.disconnect();
      resolve(performance.now());
    });
    observer.observe(table, { subtree: true, attributeFilter: ["data-state"] });
  });
}

const connector = connect({ src: `${widget}/widget/` });
defineAvailabilityBadge(connector);
await connector.ready;
const begunAt = performance.now();
for (let index = 0; index < ROWS; index += 1) {
  const row = table.insertRow();
  row.insertCell().textContent = `Contact ${index + 1}`;
  const badge = document.createElement("availability-badge");
  badge.setAttribute("user-id", `${(index % AGENTS) + 1}`);
  row.insertCell().append(badge);
}
const shown = whenShown();
document.body.append(table);
const mountedMs = performance.now() - begunAt;
const shownMs = (await shown) - begunAt;
// The observer reports a long task once the task is over.
await new Promise((resolve) => setTimeout(resolve, 300));
await fetch(`${location.pathname}/report`, {
  method: "POST",
  body: JSON.stringify({ mountedMs, shownMs, longTasksMs }),
});
