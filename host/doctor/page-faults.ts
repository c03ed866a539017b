/** Findings without a connection: the page's origin, iframes and script tags. */
import { readOrigin } from "../connection/diagnosis.ts";
import { findMounted } from "../connection/frame.ts";
import { createFinding, type Finding } from "./finding.ts";

/** Hosts that browsers trust without https. */
const LOCAL_HOST = /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Names of the script at a gateway: of the present release, and of a release that a page pins. */
const SCRIPT_NAME = /\/embed(?:-(\d+\.\d+\.\d+[\w.-]*))?\.js$/;

const WIDGET_TOKENS = ["allow-scripts", "allow-same-origin"];

/** Finds the faults of the page for a widget at the given address. */
export function findPageFaults(widget: URL): readonly Finding[] {
  return [...findOriginFaults(), ...findMixedContent(widget), ...findSandboxFaults(widget), ...findCopies()];
}

function findOriginFaults(): readonly Finding[] {
  if (readOrigin() !== "null") return [];
  return [
    createFinding(
      "page-origin-null",
      "This page has the origin null, as a file has, or a page in an iframe with sandbox. No vendor can allow null. Open the page at its address on a web server, or add allow-same-origin to the attribute sandbox of the iframe around the page",
      { of: "page", name: "sandbox", value: "allow-same-origin" },
    ),
  ];
}

function findMixedContent({ protocol, hostname }: URL): readonly Finding[] {
  if (window.location.protocol !== "https:" || protocol !== "http:" || LOCAL_HOST.test(hostname)) return [];
  return [
    createFinding(
      "mixed-content",
      "This page has https and the widget's address http, which browsers block. Write https in src of the script tag, or in the option src",
      { of: "script tag", name: "src", value: "https" },
    ),
  ];
}

function findSandboxFaults(widget: URL): readonly Finding[] {
  return findWidgetFrames(widget).flatMap((frame) => {
    const given = frame.getAttribute("sandbox");
    const missing = WIDGET_TOKENS.filter((token) => given !== null && !given.split(/\s+/).includes(token));
    if (!missing.length) return [];
    return [
      createFinding(
        "sandbox-flags",
        `The widget's iframe has sandbox="${given}", without which flags the widget has no scripts or no origin. Add ${missing.join(" and ")} to its attribute sandbox, or remove the attribute`,
        { of: "iframe", name: "sandbox", value: WIDGET_TOKENS.join(" ") },
      ),
    ];
  });
}

/** Finds the iframes of the document with the widget's origin and path. */
export function findWidgetFrames({ origin, pathname }: URL): readonly HTMLIFrameElement[] {
  return Array.from(document.querySelectorAll("iframe")).filter(({ src }) => {
    const url = parseUrl(src);
    return url?.origin === origin && url.pathname === pathname;
  });
}

/** Finds the address of a widget that a connector has mounted in the document. */
export function findMountedAddress(): URL | undefined {
  for (const frame of findMounted(document)) {
    const url = frame instanceof HTMLIFrameElement && parseUrl(frame.src);
    if (url) return url;
  }
  return undefined;
}

/** Script tags of the page that load a release of the script. */
export function findScriptTags(): readonly HTMLScriptElement[] {
  return Array.from(document.scripts).filter(({ src }) => SCRIPT_NAME.test(parseUrl(src)?.pathname ?? ""));
}

/** Finds a second copy of the script or of the package: each has an iframe, a stream and badges of its own. */
function findCopies(): readonly Finding[] {
  const tags = findScriptTags();
  const files = new Set(tags.map(({ src }) => src.replace(/[?#].*/s, "")));
  if (files.size > 1) {
    return [
      createFinding(
        "mixed-releases",
        `This page has the script twice, from ${[...files].join(" and ")}: the first that runs serves the page, also if it is the older one. Keep one script tag, the one with the address that the vendor gives now`,
        { of: "script tag", name: "src" },
      ),
    ];
  }
  if (tags.length > 1) {
    return [
      createFinding(
        "double-load",
        `This page has the same script tag ${tags.length} times: the first serves the page, and the attributes of the others are ignored. Keep one of them`,
        { of: "script tag", name: "src" },
      ),
    ];
  }
  // The value names the copy of the package that has mounted the iframe, after the page's own time.
  const mounters = new Set(
    Array.from(findMounted(document), (frame) => frame.getAttribute("data-availability-bridge")),
  );
  if (mounters.size < 2) return [];
  return [
    createFinding(
      "double-load",
      `This page has ${mounters.size} copies of the connector, as if the script tag and the package were both used, and each loads a widget. Keep one, and take the connector of the other from availabilityBridge`,
    ),
  ];
}

function parseUrl(text: string): URL | undefined {
  try {
    return new URL(text);
  } catch {
    return undefined;
  }
}
