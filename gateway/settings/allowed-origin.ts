import { isExactOrigin } from "../../shared/protocol/origin.ts";

/**
 * Hosts that a CSP source can name: no IPv6 addresses, and no `;` or `,`, which URLs allow but which end a directive.
 */
const NAMEABLE_IN_CSP = /^https?:\/\/[a-z0-9._-]+(:\d+)?$/;

/**
 * Describes why a text cannot be an allowed origin, as a sentence that starts with "it"; `undefined` for a valid
 * origin. Stricter than the comparison of origins, because the list is also the document's `frame-ancestors`.
 *
 * @see {@link https://www.w3.org/TR/CSP3/#grammardef-host-source} for the hosts in a CSP source.
 */
export function describeInvalidOrigin(text: string): string | undefined {
  if (text === "") return "is empty";
  if (text === "null") return "is the origin of every sandboxed page";
  if (text.includes("*")) return "contains a *, but every origin must be written in full";
  if (!/^https?:\/\//i.test(text)) return "does not start with https:// or http://";
  return isExactOrigin(text) && NAMEABLE_IN_CSP.test(text) ? undefined : describeInexactOrigin(text);
}

function describeInexactOrigin(text: string): string {
  if (!URL.canParse(text)) return "is not a URL";
  const { origin, pathname, search, hash } = new URL(text);
  if (text === `${origin}/`) return `ends with a slash: write ${origin}`;
  if (pathname !== "/" || search || hash) return `has a path or a query: write ${origin}`;
  if (text === origin) return "has a host that the frame-ancestors of a CSP cannot name";
  return `is not in the form that browsers use: write ${origin}`;
}
