import type { ConnectOptions } from "./connect.ts";

/**
 * Reads a script tag's attributes as options. The widget's address comes from the script's own, so that
 * a customer's path, or a versioned copy, leads to the widget beside it.
 *
 * @returns `undefined` where `data-container` names an element that the parser has not reached yet.
 * @throws {TypeError} when an attribute is not what it should be; the message names it and what was expected.
 */
export function readScriptOptions({ src, dataset }: HTMLScriptElement): ConnectOptions | undefined {
  const { container: selector, title, timeoutMs } = dataset;
  const container = selector === undefined ? undefined : document.querySelector(selector);
  if (container === null) {
    if (document.readyState === "loading") return undefined;
    throw new TypeError(`data-container: expected a selector of an element of this page, and ${selector} finds none`);
  }
  return {
    src: new URL("./widget/", src),
    ...(container && { container }),
    ...(title !== undefined && { title }),
    ...(timeoutMs !== undefined && { timeoutMs: readTimeout(timeoutMs) }),
  };
}

function readTimeout(text: string): number {
  if (/^\d+$/.test(text)) return Number(text);
  throw new TypeError(`data-timeout-ms: expected whole milliseconds, such as 5000, not ${JSON.stringify(text)}`);
}
