import { MAX_TIMEOUT_MS } from "../shared/protocol/envelope.ts";
import type { GivenOptions } from "./connect.ts";

import { findThemeFault } from "./theme.ts";
import { createTokenFetcher } from "./token/fetch-token-from-url.ts";
import { warnOnce } from "./warn.ts";

/** Connector options from a script tag. `undefined` stands for the default. */
export interface ScriptOptions extends GivenOptions {
  readonly src: URL;
}

const ATTRIBUTES =
  "data-container, data-title, data-theme, data-timeout-ms, data-token-url, data-app-name, data-release, data-inspector, data-debug, data-doctor";

/**
 * Returns a copy of the script tag with the attributes in the query of `src` as well: tag managers make the tag anew without its
 * `data-` attributes. The fast snippet is inline and has the address in `data-src`.
 */
export function readSettings(tag: HTMLScriptElement): HTMLScriptElement {
  const settings = tag.cloneNode() as HTMLScriptElement;
  const src = settings.dataset["src"];
  if (!tag.src && src) {
    delete settings.dataset["src"];
    // A property of its own: Trusted Types let no script set the address of a script.
    Object.defineProperty(settings, "src", { value: new URL(src, document.baseURI).href });
  }
  for (const [name, value] of new URL(settings.src).searchParams) {
    if (name.startsWith("data-")) settings.setAttribute(name, value);
  }
  return settings;
}

/**
 * Reads a script tag's attributes as options. The widget's address is resolved against the script's address, so that
 * a customer's path, or a versioned copy of the script, leads to the widget in the same folder.
 *
 * An unknown `data-` attribute is ignored, with a warning in the console.
 *
 * @returns `undefined` as long as `data-container` selects no element.
 * @throws {TypeError} when an attribute has a wrong value; the message names the attribute and what was expected.
 */
export function readScriptOptions(tag: HTMLScriptElement): ScriptOptions | undefined {
  const { container: selector, title, theme, timeoutMs, tokenUrl, appName, release } = tag.dataset;
  const container = selector === undefined ? undefined : findContainer(selector);
  for (const name of tag.getAttributeNames()) {
    if (name.startsWith("data-") && !`${ATTRIBUTES},`.includes(`${name},`)) warnOnce(`${name}: expected ${ATTRIBUTES}`);
  }
  const fault = findThemeFault(theme);
  if (fault) warnOnce(`data-${fault}`);
  if (container === null) return undefined;
  return {
    src: new URL("./widget/", tag.src),
    title,
    theme: fault ? undefined : theme,
    timeoutMs: timeoutMs === undefined ? undefined : parseTimeout(timeoutMs),
    // The page's address, and not `document.baseURI`: markup with a `<base>` must not choose who gives the token.
    fetchToken: tokenUrl === undefined ? undefined : createTokenFetcher(tokenUrl, window.location.href),
    app: { name: appName, release },
    container,
  };
}

/** Finds the container, which the page may make later. @throws {TypeError} when the selector is not valid. */
function findContainer(selector: string): Element | null {
  try {
    return document.querySelector(selector);
  } catch {
    throw new TypeError(describeContainer(selector));
  }
}

/** Describes the value that `data-container` should have. */
export function describeContainer(selector: string | undefined): string {
  return `data-container: expected a selector of an element of this page, such as #phone, not ${JSON.stringify(selector)}`;
}

function parseTimeout(text: string): number {
  const milliseconds = Number(text);
  if (/^\d+$/.test(text) && milliseconds >= 1 && milliseconds <= MAX_TIMEOUT_MS) return milliseconds;
  const expected = `whole milliseconds from 1 to ${MAX_TIMEOUT_MS}, such as 5000`;
  throw new TypeError(`data-timeout-ms: expected ${expected}, not ${JSON.stringify(text)}`);
}
