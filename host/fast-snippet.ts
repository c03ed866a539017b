/**
 * The fast snippet: an inline script in place of the script tag. It mounts the iframe and loads `embed.js` at the same time, which the
 * tag does one after the other. `embed.js` takes over the iframe, reads its options from the `data-` attributes of this script, and reports
 * invalid ones. The build publishes the code with its hash for a Content-Security-Policy.
 *
 * Pages keep their copy for years, so `SnippetQueue` and `SnippetTag` must not change. Compact, because it is inline in each page.
 */

/** The page's array of callbacks, with what the snippet leaves in it for `embed.js`. */
export interface SnippetQueue {
  /** The snippet itself, for `embed.js` as a module, which has no `document.currentScript`. */
  tag?: HTMLScriptElement;
  /** The iframe for the widget. Only a script can put it here, so an iframe of the page's markup cannot pass for it. */
  frame?: HTMLIFrameElement;
  /** The load of `frame`. Undefined before. */
  loaded?: Event;
}

/** The script tag that the snippet makes for `embed.js`. */
export interface SnippetTag extends HTMLScriptElement {
  /** The snippet itself, with the attributes. */
  tag?: HTMLScriptElement;
}

const page = document;
const snippet = page.currentScript as HTMLScriptElement;
const { src, container } = snippet.dataset;
if (!src) throw new Error("availability-bridge: expected data-src");
const queue = (self.availabilityBridge ||= []) as SnippetQueue & { readonly map?: unknown };
const script: SnippetTag = page.createElement("script");
script.tag = queue.tag = snippet;
script.nonce = snippet.nonce;
// Once in a page, and not after `embed.js` has replaced the array by its own queue.
if (queue.map && !queue.frame) {
  try {
    const frame = page.createElement("iframe");
    // What `mountFrame` sets, which sets everything again but the address.
    frame.dataset["availabilityBridge"] = "";
    frame.sandbox = "allow-scripts allow-same-origin";
    frame.referrerPolicy = "no-referrer";
    frame.style.cssText = container
      ? "border:0;width:100%;height:100%"
      : "all:initial;position:fixed;top:-9in;visibility:hidden;".replace(/;/g, "!important;");
    frame.onload = (event) => (queue.loaded = event);
    frame.src = new URL("widget/", src).href;
    (container ? page.querySelector(container) : page.documentElement)?.append(frame);
    queue.frame = frame;
  } catch {
    // The selector is not valid, the address not complete, or a page that refuses the iframe: `embed.js` mounts it.
  }
}
try {
  script.src = src;
  snippet.after(script);
} catch {
  // Trusted Types allow no script's address without a policy, but an import.
  void import(/* @vite-ignore */ src);
}
