import { MAX_TIMEOUT_MS } from "../shared/protocol/envelope.ts";
import type { ConnectOptions } from "./connect.ts";

import { createTokenFetcher } from "./token/fetch-token-from-url.ts";
import { warnOnce } from "./warn.ts";

/** Connector options from a script tag. */
interface ScriptOptions extends ConnectOptions {
  readonly src: URL;
}

const ATTRIBUTES = [
  "data-container",
  "data-title",
  "data-timeout-ms",
  "data-token-url",
  "data-app-name",
  "data-release",
];

/**
 * Reads a script tag's attributes as options. The widget's address is resolved against the script's address, so that
 * a customer's path, or a versioned copy of the script, leads to the widget in the same folder.
 *
 * An unknown `data-` attribute is ignored, with a warning in the console.
 *
 * @returns `undefined` if `data-container` selects an element that the parser has not reached yet.
 * @throws {TypeError} when an attribute has a wrong value; the message names the attribute and what was expected.
 */
export function readScriptOptions(tag: HTMLScriptElement): ScriptOptions | undefined {
  const { container: selector, title, timeoutMs, tokenUrl, appName, release } = tag.dataset;
  const container = selector === undefined ? undefined : findContainer(selector);
  if (container === null) {
    if (document.readyState === "loading") return undefined;
    throw new TypeError(
      `data-container: expected a selector of an element of this page, such as #phone, not ${JSON.stringify(selector)}`,
    );
  }
  for (const name of tag.getAttributeNames()) {
    if (name.startsWith("data-") && !ATTRIBUTES.includes(name)) warnOnce(`${name}: expected ${ATTRIBUTES.join(", ")}`);
  }
  return {
    src: new URL("./widget/", tag.src),
    ...(container && { container }),
    ...(title !== undefined && { title }),
    ...(timeoutMs !== undefined && { timeoutMs: parseTimeout(timeoutMs) }),
    ...(tokenUrl !== undefined && { fetchToken: createTokenFetcher(tokenUrl, document.baseURI) }),
    app: { ...(appName && { name: appName }), ...(release && { release }) },
  };
}

function findContainer(selector: string): Element | null {
  try {
    return document.querySelector(selector);
  } catch {
    // An invalid selector matches no element.
    return null;
  }
}

function parseTimeout(text: string): number {
  const milliseconds = Number(text);
  if (/^\d+$/.test(text) && milliseconds >= 1 && milliseconds <= MAX_TIMEOUT_MS) return milliseconds;
  const expected = `whole milliseconds from 1 to ${MAX_TIMEOUT_MS}, such as 5000`;
  throw new TypeError(`data-timeout-ms: expected ${expected}, not ${JSON.stringify(text)}`);
}
