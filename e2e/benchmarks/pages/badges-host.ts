/** A CRM's page that connects and then shows a thousand agents: by badges, or by one batch and code written by hand. */
import { connect, defineAvailabilityBadge } from "../../../host/index.ts";

const COUNT = 1_000;

const { side, widget = "" } = document.body.dataset;
const userIds = Array.from({ length: COUNT }, (_, index) => index + 1);
const list = document.createElement("div");
// So small that all of them are on the screen: badges out of sight are not watched.
list.style.fontSize = "4px";
document.body.append(list);

let longestTaskMs = 0;
new PerformanceObserver((entries) => {
  for (const { duration } of entries.getEntries()) longestTaskMs = Math.max(longestTaskMs, duration);
}).observe({ type: "longtask", buffered: true });

/** Resolves with the time at which every element of the list has text. */
function whenAllShown(): Promise<number> {
  const shown = new Set<Node>();
  return new Promise((resolve) => {
    const observer = new MutationObserver((records) => {
      for (const { target } of records) {
        const text = target instanceof Element && (target.shadowRoot ?? target).textContent;
        if (target !== list && text) shown.add(target);
      }
      if (shown.size < COUNT) return;
      observer.disconnect();
      resolve(performance.now());
    });
    observer.observe(list, { childList: true, subtree: true, attributeFilter: ["data-state"] });
  });
}

function mount(name: string, attribute: string): void {
  const all = document.createDocumentFragment();
  for (const userId of userIds) {
    const element = document.createElement(name);
    element.setAttribute(attribute, `${userId}`);
    all.append(element);
  }
  list.append(all);
}

/** The code written by hand: connects, and returns a function that shows the agents. */
function connectByHand(): Promise<() => void> {
  const frame = document.createElement("iframe");
  frame.src = `${widget}/widget/`;
  document.body.append(frame);
  return new Promise((resolve) => {
    addEventListener("message", ({ source, origin, data }) => {
      if (source !== frame.contentWindow || origin !== widget) return;
      if (data === "ready") return resolve(ask);
      for (const element of list.querySelectorAll<HTMLElement>("[data-user-id]")) {
        element.textContent = data.availabilities[element.dataset["userId"] ?? ""].status;
      }
    });
    const ask = (): void => {
      mount("span", "data-user-id");
      frame.contentWindow?.postMessage("ask", widget);
    };
  });
}

async function connectBridge(): Promise<() => void> {
  const connector = connect({ src: `${widget}/widget/` });
  defineAvailabilityBadge(connector);
  await connector.ready;
  return () => mount("availability-badge", "user-id");
}

const show = await (side === "bridge" ? connectBridge() : connectByHand());
const allShown = whenAllShown();
const begunAt = performance.now();
show();
const shownAt = await allShown;
// The observer reports a long task once the task is over.
await new Promise((resolve) => setTimeout(resolve, 200));
const report = { fromMountMs: shownAt - begunAt, fromNavigationMs: shownAt, longestTaskMs };
await fetch(`${location.pathname}/report`, { method: "POST", body: JSON.stringify(report) });
