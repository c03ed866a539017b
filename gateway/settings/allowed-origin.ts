import { isExactOrigin } from "../../shared/protocol/origin.ts";

/**
 * Hosts that a CSP source can name: no IPv6 addresses, and no `;` or `,`, which URLs allow but which end a directive.
 */
const NAMEABLE_IN_CSP = /^[a-z][a-z\d+.-]*:\/\/[a-z0-9._-]+(:\d+)?$/;

/**
 * Maximum length of a list of origins, with a space between two. The list is part of the document's Content-Security-Policy, and
 * proxies reject a response with a larger head than their buffer: 16 KiB in the configurations of this package.
 */
export const MAX_ORIGINS_LENGTH = 12 * 1024;

/** Texts that stand for pages with the origin `null`. */
const PAGE_WITHOUT_ORIGIN = /^(null$|(about|blob|data|file|javascript):)/i;

/**
 * Describes why a text cannot be an allowed origin, as a sentence that starts with "it"; `undefined` for a valid
 * origin. Stricter than the comparison of origins, because the list is also the document's `frame-ancestors`.
 *
 * @see {@link https://www.w3.org/TR/CSP3/#grammardef-host-source} for the hosts in a CSP source.
 */
export function describeInvalidOrigin(text: string): string | undefined {
  if (text === "") return "is empty";
  if (PAGE_WITHOUT_ORIGIN.test(text)) {
    return (
      "is the origin of no page that a list can name: pages of files, sandboxes, data: and blob: all have the origin null. " +
      "Give the page a scheme with a host of its own, such as app://desk"
    );
  }
  if (text.includes("*")) return "contains a *, but every origin must be written in full";
  if (!/^[a-z][a-z\d+.-]*:\/\//i.test(text)) return "does not start with a scheme such as https://";
  if (/^(ftp|wss?):/i.test(text)) return "does not start with a scheme of pages, such as https://";
  return isExactOrigin(text) && NAMEABLE_IN_CSP.test(text) ? undefined : describeInexactOrigin(text);
}

/** Describes why a list of origins is too long, as a sentence that starts with "they"; `undefined` for a shorter list. */
export function describeExcessiveOrigins(origins: readonly string[]): string | undefined {
  const { length } = origins.join(" ");
  if (length <= MAX_ORIGINS_LENGTH) return undefined;
  return `they have ${length} characters in all, but a proxy forwards a list of at most ${MAX_ORIGINS_LENGTH}: make several customers of this one`;
}

function describeInexactOrigin(text: string): string {
  if (!URL.canParse(text)) return "is not a URL";
  const { protocol, host, pathname, search, hash } = new URL(text);
  if (host === "") return "has no host after its scheme";
  // Node lower-cases the hosts of http(s) alone.
  const origin = `${protocol}//${host.toLowerCase()}`;
  if (text === `${origin}/`) return `ends with a slash: write ${origin}`;
  if (!["", "/"].includes(pathname) || search || hash) return `has a path or a query: write ${origin}`;
  if (text === origin) return "has a host that the frame-ancestors of a CSP cannot name";
  return `is not in the form that browsers use: write ${origin}`;
}
