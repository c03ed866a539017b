import { isToken, TOKEN_EXPECTED } from "../../shared/protocol/token.ts";
import type { FetchToken } from "./page-token.ts";

/**
 * Reads the script tag's `data-token-url`, an address relative to the page's own, as what gets a token there. The page's
 * cookies go along to its own origin alone: an address elsewhere has to know the page without them, and to allow it by CORS.
 *
 * @throws {TypeError} when it is no http(s) address. Neither this error nor a later one shows the address, which may hold a secret.
 */
export function readTokenUrl(text: string, base: string): FetchToken {
  const address = readAddress(text, base);
  return async ({ signal }) => {
    const response = await fetch(address, { signal, cache: "no-store" });
    if (!response.ok) throw new Error(`data-token-url: expected a token, not an answer with status ${response.status}`);
    return readToken(await response.text());
  };
}

function readAddress(text: string, base: string): URL {
  try {
    const url = new URL(text, base);
    if (text && /^https?:$/.test(url.protocol) && !url.username && !url.password) return url;
  } catch {
    // What is no address at all is told like any other wrong one.
  }
  throw new TypeError("data-token-url: expected an http(s) address without credentials, such as /phone-token");
}

function readToken(text: string): string {
  try {
    const { token } = JSON.parse(text);
    if (isToken(token)) return token;
  } catch {
    // Told below, without the parser's own words: they quote what may be a token.
  }
  throw new TypeError(`data-token-url: expected an answer { "token": "…" } with ${TOKEN_EXPECTED}`);
}
