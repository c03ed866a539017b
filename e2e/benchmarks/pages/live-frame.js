// @ts-check
/**
 * Code that a developer would write by hand for this benchmark only: an iframe that passes on the stream and a single
 * batch of all users. Opened as a page, the document only listens to the stream.
 */
import { collectChanges } from "./collect-changes.js";

const meta = document.querySelector('meta[name="availability-bridge"]')?.getAttribute("content") ?? "";
const [host] = JSON.parse(meta).allowedOrigins;

/** @param {(availability: { userId: number, status: string, version: number }) => void} tell */
function listen(tell) {
  new EventSource("../v1/availabilities/stream").addEventListener("availability", ({ data }) => tell(JSON.parse(data)));
}

if (parent === window) {
  // The policy allows connections to the own origin only, so the page navigates to a page that may report.
  listen(collectChanges((changes) => location.replace(`${host}${location.hash.slice(1)}#${JSON.stringify(changes)}`)));
} else {
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== parent || origin !== host) return;
    if (data === "listen") listen((availability) => parent.postMessage(availability, host));
    else void answer();
  });
  parent.postMessage("ready", host);
}

async function answer() {
  const response = await fetch("../v1/availabilities", { cache: "no-store" });
  parent.postMessage(await response.json(), host);
}
