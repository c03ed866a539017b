/**
 * Finds out why no widget connects, from the little that a browser tells a page about an iframe of another origin, so that the
 * rejection names that cause alone. A browser does not tell a page apart: a page that is no widget, a status such as 404, and a
 * widget whose `frame-ancestors` lacks a page.
 */
import { isInDocument } from "./frame.ts";

/** Evidence about the widget's address, and the message that follows from the evidence. */
export interface Diagnosis {
  /** Takes the load of the iframe, or the violation of a policy, as evidence. */
  learn(event: Event): void;
  /** Forgets what the attempts have shown: a widget has connected, so that it may no longer be so. */
  forget(): void;
  /**
   * Asks, after a failed attempt, whether the address can be reached, if the attempts have loaded a document: that may be the browser's
   * own error page. Not at the load, because a widget's SYN may come after it.
   */
  probe(): void;
  /** Returns the conditions for a widget to connect that may not hold. Never throws. */
  describe(): string;
}

/**
 * Creates the diagnosis of one connection. All texts are made here, so that a page with broken built-in functions fails in `connect`, and not
 * when a request is to be rejected.
 *
 * @param src The widget's address.
 * @param ownFrame An iframe of the page's own. It may have loaded before.
 * @param getPlace Returns the iframe, or the container, that the page may take out of the document. `undefined` for an invisible iframe.
 */
export function createDiagnosis(
  src: URL,
  ownFrame: HTMLIFrameElement | undefined,
  getPlace: () => Element | undefined,
): Diagnosis {
  const { origin, pathname } = src;
  const own = readOrigin();
  const start = `No widget answered at ${origin}${pathname}. Check that`;
  const address = `${start} it is a widget's address, ending in /widget/, that`;
  const network = "it can be reached and the local network is allowed";
  const policy = `this page's CSP has ${origin} in frame-src`;
  // A `frame-ancestors` applies to every page around the widget. Firefox before 150 does not tell which ones there are.
  const allowed = [own, ...(window.location.ancestorOrigins ?? [])].join(" and ");
  const list = `the vendor allows ${allowed}${own === "null" ? ": files and sandboxes need a scheme or site of their own" : ""}`;
  /** What the attempts since the last connection have shown: a document was loaded, and then whether the address was reached. */
  let outcome: "load" | boolean | undefined;
  /** A policy of the page forbids some request for the widget's origin, such as the probe, and that of the iframe. */
  let isForbidden = false;
  let isFrameForbidden = false;

  return {
    learn(event: Event & Partial<SecurityPolicyViolationEvent>) {
      if (event.type === "load") outcome ??= event.type;
      // The origin, or an address of it: not one that only begins with the same characters.
      if (event.disposition === "enforce" && `${event.blockedURI}/`.startsWith(`${origin}/`)) {
        isForbidden = true;
        // Browsers name this directive also if the policy has only `child-src` or `default-src`.
        isFrameForbidden ||= event.effectiveDirective === "frame-src";
      }
    },
    forget() {
      outcome = undefined;
    },
    probe() {
      if (outcome === undefined || isForbidden) return;
      // The address of the customer's page may name a person: the widget's server must not receive it.
      fetch(src, { method: "HEAD", mode: "no-cors", referrerPolicy: "no-referrer" }).then(
        () => {
          outcome = true;
        },
        () => {
          outcome = false;
        },
      );
    },
    describe() {
      const isLazy = outcome === undefined && ownFrame?.loading === "lazy";
      const place = getPlace();
      if (isLazy || (place && !isInDocument(place))) {
        return `${start} its frame is in this document, and scrolled to if it is lazy`;
      }
      if (isFrameForbidden) return `${start} ${policy}`;
      if (outcome === true) return `${address} ${list}`;
      // A browser does not tell whether an iframe of the page's own has loaded before, and a forbidden probe shows nothing.
      if (!isForbidden && (outcome === false || !(outcome || ownFrame))) return `${address} ${network}`;
      return `${address} ${network}, that ${list}, and that ${policy}`;
    },
  };
}

/**
 * Reads the page's own origin, also if the page has a variable `origin` or `self`: no variable takes the place of `window`. A sandboxed
 * page has the origin "null", and an address with another one; a `srcdoc` page has an origin, and no address. happy-dom, in which pages
 * run their tests, has no `window.origin`. Salesforce's sandbox has no `location` but that of `window` in a script that a component loads.
 */
export function readOrigin(): string {
  const { origin, location } = window;
  // A text: a variable of a `srcdoc` page may be anything, and the widget then says in the console which origin it has expected.
  return origin === "null" || location.origin === "null" ? `${origin}` : location.origin;
}
