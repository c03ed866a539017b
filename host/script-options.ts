import { MAX_TIMEOUT_MS } from "../shared/protocol/envelope.ts";
import type { ConnectOptions } from "./connect.ts";
import { readTokenUrl } from "./token/token-url.ts";

/**
 * Reads a script tag's attributes as options. The widget's address comes from the script's own, so that
 * a customer's path, or a versioned copy, leads to the widget beside it.
 *
 * @returns `undefined` where `data-container` names an element that the parser has not reached yet.
 * @throws {TypeError} when an attribute is not what it should be; the message names it and what was expected.
 */
export function readScriptOptions({ src, dataset }: HTMLScriptElement): ConnectOptions | undefined {
  const { container: selector, title, timeoutMs, tokenUrl, appName, release } = dataset;
  const container = selector === undefined ? undefined : findContainer(selector);
  if (container === null) {
    if (document.readyState === "loading") return undefined;
    throw new TypeError(`data-container: expected a selector of an element of this page, and ${selector} finds none`);
  }
  return {
    src: new URL("./widget/", src),
    ...(container && { container }),
    ...(title !== undefined && { title }),
    ...(timeoutMs !== undefined && { timeoutMs: readTimeout(timeoutMs) }),
    ...(tokenUrl !== undefined && { fetchToken: readTokenUrl(tokenUrl, document.baseURI) }),
    app: { ...(appName && { name: appName }), ...(release && { release }) },
  };
}

function findContainer(selector: string): Element | null {
  try {
    return document.querySelector(selector);
  } catch (cause) {
    throw new TypeError(`data-container: expected a selector, such as #phone, not ${JSON.stringify(selector)}`, {
      cause,
    });
  }
}

function readTimeout(text: string): number {
  const milliseconds = Number(text);
  if (/^\d+$/.test(text) && milliseconds >= 1 && milliseconds <= MAX_TIMEOUT_MS) return milliseconds;
  const expected = `whole milliseconds from 1 to ${MAX_TIMEOUT_MS}, such as 5000`;
  throw new TypeError(`data-timeout-ms: expected ${expected}, not ${JSON.stringify(text)}`);
}
