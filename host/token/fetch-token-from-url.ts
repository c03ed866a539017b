import { isToken, TOKEN_EXPECTED } from "../../shared/protocol/token.ts";
import type { FetchToken } from "./token-provider.ts";

/**
 * Creates the `fetchToken` of a script tag's `data-token-url`, an address relative to the page's address. The browser sends
 * cookies to the page's origin only. A foreign origin has to identify the user without cookies, and to allow the page by CORS.
 *
 * @throws {TypeError} when `text` is no http(s) address. The address may contain a secret, so no error shows the address.
 */
export function createTokenFetcher(text: string, base: string): FetchToken {
  const address = parseTokenUrl(text, base);
  return async ({ signal }) => {
    const response = await fetch(address, { signal, cache: "no-store" });
    if (!response.ok) throw new Error(`data-token-url: expected a token, not an answer with status ${response.status}`);
    return parseToken(await response.text());
  };
}

function parseTokenUrl(text: string, base: string): URL {
  try {
    const url = new URL(text, base);
    if (text && /^https?:$/.test(url.protocol) && !url.username && !url.password) return url;
  } catch {
    // The error below covers text that is not an address, too.
  }
  throw new TypeError("data-token-url: expected an http(s) address without credentials, such as /phone-token");
}

function parseToken(text: string): string {
  try {
    const { token } = JSON.parse(text);
    if (isToken(token)) return token;
  } catch {
    // The parser's error quotes the text, and the text may be a token. The error below quotes no text.
  }
  throw new TypeError(`data-token-url: expected an answer { "token": "…" } with ${TOKEN_EXPECTED}`);
}
