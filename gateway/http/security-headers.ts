/**
 * Headers of every response: browsers must not guess content types, nor let another site load a response without
 * permission.
 */
export const SECURITY_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** The same headers for Node's response: names and values in turn. */
export const SECURITY_HEADER_PAIRS: readonly string[] = Object.entries(SECURITY_HEADERS).flat();

/**
 * Headers of every response at a script's address, errors included. Without these headers a browser would report the
 * 404 of a misspelt address as a CORS fault, and hide the status from the page's developer.
 */
export const SCRIPT_HEADERS = {
  // A script tag with `integrity` loads the script under CORS.
  "Access-Control-Allow-Origin": "*",
  // A page with `Cross-Origin-Embedder-Policy` demands the header.
  "Cross-Origin-Resource-Policy": "cross-origin",
};

/** Headers of every response below `/widget/`, errors included: the widget's document runs on another site's page. */
const WIDGET_HEADERS = { "Cross-Origin-Resource-Policy": "cross-origin" };

const SCRIPT_PATH = /^(?:\/c\/[^/]+)?\/([^/]+\.js)$/;
const WIDGET_PATH = /^(?:\/c\/[^/]+)?\/widget(?:\/.*)?$/;

/** Name of the script at a path, such as `embed.js`, even if the script does not exist. `undefined` for other paths. */
export function readScriptName(path: string): string | undefined {
  return SCRIPT_PATH.exec(path)?.[1];
}

/** Default headers of a response at a path. A route can override the headers. */
export function securityHeadersFor(path: string): Readonly<Record<string, string>> {
  if (readScriptName(path) !== undefined) return { ...SECURITY_HEADERS, ...SCRIPT_HEADERS };
  return WIDGET_PATH.test(path) ? { ...SECURITY_HEADERS, ...WIDGET_HEADERS } : SECURITY_HEADERS;
}
