import { isToken, TOKEN_EXPECTED } from "../../shared/protocol/token.ts";
import type { FetchToken } from "./token-provider.ts";

/**
 * Creates the `fetchToken` of a script tag's `data-token-url`, an address relative to the page's own. The browser sends the
 * page's cookies to the page's own origin only. Another origin has to know the page without cookies, and to allow it by CORS.
 *
 * @throws {TypeError} when `text` is no http(s) address. The address may hold a secret, so no error shows it.
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
    // A text that is no address gets the same error as a wrong address.
  }
  throw new TypeError("data-token-url: expected an http(s) address without credentials, such as /phone-token");
}

function parseToken(text: string): string {
  try {
    const { token } = JSON.parse(text);
    if (isToken(token)) return token;
  } catch {
    // The parser's own error quotes the text, which may be a token. The error below does not.
  }
  throw new TypeError(`data-token-url: expected an answer { "token": "…" } with ${TOKEN_EXPECTED}`);
}
