/**
 * Entry of the script tag. Connects by the attributes of the `<script>` element and passes the connector to the callbacks in
 * the queue `window.availabilityBridge`. Pages may fill the queue before or after the script has loaded.
 */

import { connect, describeUnavailable } from "./connect.ts";
import type { Connector } from "./connector.ts";
import { readScriptOptions } from "./script-options.ts";
import { warnOnce } from "./warn.ts";
import { defineAvailabilityBadge } from "./watch/availability-badge.ts";

/** A function that the page pushes onto the queue. Called with the connector after `connect` has returned. */
type QueuedCallback = (connector: Connector) => unknown;

interface Queue {
  push(...callbacks: QueuedCallback[]): void;
  /** Registers a further script tag; the page's first tag serves both. Absent in copies of older releases. */
  addTag?(tag: HTMLScriptElement): void;
}

declare global {
  interface Window {
    availabilityBridge?: QueuedCallback[] | Queue;
  }
}

/** Delay of the warning that no widget connects, so that the console shows the warning within 10 s of the page's load. */
const WARNING_DELAY_MS = 8_000;

// On a server there is no document, and importing the module does nothing.
if (typeof document !== "undefined") start(document.currentScript);

function start(script: HTMLOrSVGScriptElement | null): void {
  const queued = window.availabilityBridge ?? [];
  const isLoadedByTag = script instanceof HTMLScriptElement && script.src !== "";
  if (!Array.isArray(queued)) {
    // An earlier copy of the script has installed the queue, and serves the page.
    if (isLoadedByTag) queued.addTag?.(script);
    return;
  }
  if (!isLoadedByTag) {
    throw new TypeError(
      "embed.js: expected to be loaded by <script src> in the document, not as a module and not inline",
    );
  }
  connectWhenParsed(script, installQueue(queued, script));
}

function connectWhenParsed(tag: HTMLScriptElement, flush: (connector: Connector) => void): void {
  const options = readScriptOptions(tag);
  if (options) {
    const connector = connect(options);
    warnIfUnavailable(connector, options.src);
    defineAvailabilityBadge(connector);
    flush(connector);
  }
  // The container comes after the script tag, and the parser has not reached the container.
  else document.addEventListener("DOMContentLoaded", () => connectWhenParsed(tag, flush), { once: true });
}

function warnIfUnavailable(connector: Connector, src: URL): void {
  setTimeout(() => {
    if (connector.state !== "connecting") return;
    warnOnce(`${describeUnavailable(src)}. The widget's address comes from the script's own`);
  }, WARNING_DELAY_MS);
}

/** Replaces the page's array by a queue. Callbacks wait for the connector; later callbacks are called at once. */
function installQueue(queue: QueuedCallback[], first: HTMLScriptElement): (connector: Connector) => void {
  let connector: Connector | undefined;
  const push = (...callbacks: QueuedCallback[]): void => {
    if (connector) for (const callback of callbacks) runCallback(callback, connector);
    else queue.push(...callbacks);
  };
  window.availabilityBridge = {
    push,
    addTag({ attributes }) {
      const differing = [...attributes].filter(({ name, value }) => first.getAttribute(name) !== value);
      const names = differing.map(({ name }) => name).filter((name) => /^(src$|data-)/.test(name));
      if (names.length) warnOnce(`A second script tag is ignored, with its ${names.join(", ")}`);
    },
  };
  return (connected) => {
    connector = connected;
    push(...queue.splice(0));
  };
}

/** Calls a callback and reports its error, so that the next callback still runs. */
function runCallback(callback: QueuedCallback, connector: Connector): void {
  try {
    callback(connector);
  } catch (error) {
    reportError(error);
  }
}
