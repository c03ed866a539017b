import { isExactOrigin } from "../../shared/protocol/origin.ts";

/** Hosts that a CSP source can name: neither IPv6 addresses nor the `;` and `,` that URLs allow and that end a directive. */
const NAMEABLE_IN_CSP = /^https?:\/\/[a-z0-9._-]+(:\d+)?$/;

/**
 * Why a text is no origin whose pages may embed the widget, completing the sentence "it …"; `undefined` where it is one.
 * Stricter than a comparison needs, since the same list is also the document's `frame-ancestors`.
 *
 * @see {@link https://www.w3.org/TR/CSP3/#grammardef-host-source} for what a CSP source can name.
 */
export function describeInvalidOrigin(text: string): string | undefined {
  if (text === "") return "is empty";
  if (text === "null") return "is what every sandboxed page calls itself";
  if (text.includes("*")) return "holds a *, and every origin must be named in full";
  if (!/^https?:\/\//i.test(text)) return "does not start with https:// or http://";
  return isExactOrigin(text) && NAMEABLE_IN_CSP.test(text) ? undefined : whyInexact(text);
}

function whyInexact(text: string): string {
  if (!URL.canParse(text)) return "is no URL";
  const { origin, pathname, search, hash } = new URL(text);
  if (text === `${origin}/`) return `ends with a slash: write ${origin}`;
  if (pathname !== "/" || search || hash) return `has a path or a query: write ${origin}`;
  if (text === origin) return "has a host that the frame-ancestors of a CSP cannot name";
  return `is not written as browsers write it: write ${origin}`;
}
