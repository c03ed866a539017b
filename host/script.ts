/**
 * The script tag: connects by the attributes of its own `<script>` and hands the connector to whoever asked for it
 * through the queue `window.availabilityBridge`, before or after this script has loaded.
 */

import { connect } from "./connect.ts";
import type { Connector } from "./connector.ts";
import { readScriptOptions } from "./script-options.ts";
import { defineAvailabilityBadge } from "./watch/availability-badge.ts";

/** What a page pushes onto the queue: called with the connector as soon as there is one. */
type Visitor = (connector: Connector) => unknown;

interface Queue {
  push(...visitors: Visitor[]): void;
}

declare global {
  interface Window {
    availabilityBridge?: Visitor[] | Queue;
  }
}

// Imported where there is no page, it does nothing.
if (typeof document !== "undefined") start(document.currentScript);

function start(script: HTMLOrSVGScriptElement | null): void {
  const early = window.availabilityBridge ?? [];
  // Anything but an array is the queue of an earlier copy of this script: that copy serves the page.
  if (!Array.isArray(early)) return;
  if (!(script instanceof HTMLScriptElement && script.src)) {
    throw new TypeError(
      "embed.js: expected to be loaded by <script src> in the document, not as a module and not inline",
    );
  }
  connectWhenParsed(script, openQueue(early));
}

function connectWhenParsed(tag: HTMLScriptElement, serve: (connector: Connector) => void): void {
  const options = readScriptOptions(tag);
  if (options) {
    const connector = connect(options);
    defineAvailabilityBadge(connector);
    serve(connector);
  }
  // The container is further down the page than this tag, and the parser is not there yet.
  else document.addEventListener("DOMContentLoaded", () => connectWhenParsed(tag, serve), { once: true });
}

/** Puts the queue in place: it keeps what is pushed until it is given a connector, and answers at once from then on. */
function openQueue(waiting: Visitor[]): (connector: Connector) => void {
  let serving: Connector | undefined;
  const push = (...visitors: Visitor[]): void => {
    if (serving) for (const visitor of visitors) visit(visitor, serving);
    else waiting.push(...visitors);
  };
  window.availabilityBridge = { push };
  return (connector) => {
    serving = connector;
    push(...waiting.splice(0));
  };
}

/** One visitor's mistake must not keep the next one waiting. */
function visit(visitor: Visitor, connector: Connector): void {
  try {
    visitor(connector);
  } catch (error) {
    reportError(error);
  }
}
