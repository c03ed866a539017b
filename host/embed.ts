/**
 * The script tag: connects by the attributes of its own `<script>` and passes the connector to the callbacks in the
 * queue `window.availabilityBridge`, which pages may fill before or after this script has loaded.
 */

import { connect, describeUnavailable } from "./connect.ts";
import type { Connector } from "./connector.ts";
import { readScriptOptions } from "./script-options.ts";
import { warnOnce } from "./warn.ts";
import { defineAvailabilityBadge } from "./watch/availability-badge.ts";

/** A function that a page pushes onto the queue: called with the connector as soon as there is one. */
type QueuedCallback = (connector: Connector) => unknown;

interface Queue {
  push(...callbacks: QueuedCallback[]): void;
  /** Receives each further script tag of the page, which this one serves as well. Copies of older releases lack it. */
  addTag?(tag: HTMLScriptElement): void;
}

declare global {
  interface Window {
    availabilityBridge?: QueuedCallback[] | Queue;
  }
}

/** Early enough that a page says within 10 s of its load that no widget comes. */
const WARNING_DELAY_MS = 8_000;

// Without a document, as on a server, importing this module does nothing.
if (typeof document !== "undefined") start(document.currentScript);

function start(script: HTMLOrSVGScriptElement | null): void {
  const queued = window.availabilityBridge ?? [];
  const isLoadedByTag = script instanceof HTMLScriptElement && script.src !== "";
  if (!Array.isArray(queued)) {
    // The queue of an earlier copy of this script: that copy serves the page.
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
  // The container is further down the page than this tag, and the parser has not reached it.
  else document.addEventListener("DOMContentLoaded", () => connectWhenParsed(tag, flush), { once: true });
}

function warnIfUnavailable(connector: Connector, src: URL): void {
  setTimeout(() => {
    if (connector.state !== "connecting") return;
    warnOnce(`${describeUnavailable(src)}. The widget's address comes from the script's own`);
  }, WARNING_DELAY_MS);
}

/** Replaces the array by a queue that keeps callbacks until there is a connector, and then calls them at once. */
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

/** Calls one callback, so that its error does not keep the next one waiting. */
function runCallback(callback: QueuedCallback, connector: Connector): void {
  try {
    callback(connector);
  } catch (error) {
    reportError(error);
  }
}
