/**
 * Entry of the script tag. Connects by the attributes of the `<script>` element, defines the badge, and passes the connector to
 * the callbacks in the queue `window.availabilityBridge`. Pages may fill the queue before or after the script has loaded.
 */

import { defineBadgeOnDemand } from "./badge/load-badge.ts";
import { connectIn } from "./connect.ts";
import { dressFrame, findMounted, isInDocument, removeCopies } from "./connection/frame.ts";
import { observeAncestors } from "./connection/frame-position.ts";
import type { Connector } from "./connector.ts";
import type { SnippetQueue, SnippetTag } from "./fast-snippet.ts";
import { callListener } from "./listeners.ts";
import { loadToolsOnDemand } from "./load-tools.ts";
import { describeContainer, readScriptOptions, readSettings, type ScriptOptions } from "./script-options.ts";
import { warnOnce } from "./warn.ts";

/** A function that the page pushes onto the queue. Called with the connector after `connect` has returned. */
type QueuedCallback = (connector: Connector) => unknown;

interface Queue {
  push(...callbacks: QueuedCallback[]): void;
  /** Registers a further script tag; the page's first tag serves both. Absent in copies of older releases. */
  addTag?(tag: HTMLScriptElement): void;
}

declare global {
  interface Window {
    availabilityBridge?: (QueuedCallback[] & SnippetQueue) | Queue;
  }
}

/** Delay of the warning of a missing container, so that the console shows it within 10 s of the page's load. */
const WARNING_DELAY_MS = 8_000;

// On a server there is no document, and importing the module does nothing.
if (typeof document !== "undefined") start(document.currentScript as SnippetTag | null);

function start(current: SnippetTag | null): void {
  const given = window.availabilityBridge;
  // Browsers make an element with this id a property of the window. It is not the queue.
  const queued: typeof given & SnippetQueue = typeof given?.push === "function" ? given : [];
  // The fast snippet stands for the tag that it has made, or for none if it has imported this script.
  const script = current ? (current.tag ?? current) : queued.tag;
  const isLoadedByTag = script instanceof HTMLScriptElement && (script.src || script.dataset["src"]);
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
  connectWithContainer(readSettings(script), installQueue(queued, script), queued);
}

/**
 * Connects by the tag's attributes: at once, or when the parser or the page's own code has made the container. A page that replaces
 * its body, or renders the container anew, gets the iframe into the next element that `data-container` selects.
 */
function connectWithContainer(
  tag: HTMLScriptElement,
  flush: (connector: Connector) => void,
  { frame, loaded }: SnippetQueue,
): void {
  let container: Element | undefined;
  let connector: Connector | undefined;
  let warningTimer: ReturnType<typeof setTimeout> | undefined;
  const observer = new MutationObserver(followContainer);
  followContainer();

  function followContainer(): void {
    observer.disconnect();
    if (connector?.state === "closed") return;
    if (!container || !isInDocument(container)) {
      const options = readScriptOptions(tag);
      if (options) useContainer(options);
      else {
        warningTimer ??= setTimeout(() => warnOnce(describeContainer(tag.dataset["container"])), WARNING_DELAY_MS);
        // Attributes as well: the page may give an element its id later.
        observer.observe(document, { childList: true, subtree: true, attributes: true });
        return;
      }
    }
    clearTimeout(warningTimer);
    warningTimer = undefined;
    if (container) observeAncestors(observer, container);
  }

  /** Connects, or moves the iframe: requests in flight go on as after each move. */
  function useContainer(options: ScriptOptions): void {
    const last = container;
    container = options.container;
    if (last) container?.append(...findMounted(last));
    if (connector) return;
    let first: HTMLIFrameElement | undefined;
    // Otherwise `removeCopies` removes the iframe: a move would load the iframe again, a different tag has its own.
    if (frame?.src === options.src.href && (container ? frame.parentNode === container : isInDocument(frame))) {
      first = frame;
      dressFrame(frame, container, options.title);
    }
    removeCopies();
    connector = connectIn(
      options,
      container &&
        (() => {
          followContainer();
          return container;
        }),
      () => {
        const taken = first;
        first = undefined;
        return taken;
      },
    );
    // The connection has missed the load.
    if (loaded) frame?.dispatchEvent(loaded);
    connector.ready.catch(({ code, message }) => {
      if (code === "WIDGET_UNAVAILABLE") warnOnce(`${message}. The widget's address comes from the script's own`);
    });
    loadToolsOnDemand(tag, connector);
    defineBadgeOnDemand(tag, connector);
    flush(connector);
  }
}

/** Replaces the page's array by a queue. Callbacks wait for the connector; later callbacks are called at once. */
function installQueue(queue: QueuedCallback[], first: HTMLScriptElement): (connector: Connector) => void {
  let connector: Connector | undefined;
  const push = (...callbacks: QueuedCallback[]): void => {
    if (connector) for (const callback of callbacks) callListener(callback, connector);
    else queue.push(...callbacks);
  };
  window.availabilityBridge = {
    push,
    addTag(tag) {
      const names = tag
        .getAttributeNames()
        .filter((name) => /^(src$|data-)/.test(name) && first.getAttribute(name) !== tag.getAttribute(name));
      if (names.length) warnOnce(`A second script tag is ignored, with its ${names.join(", ")}`);
    },
  };
  return (connected) => {
    connector = connected;
    push(...queue.splice(0));
  };
}
