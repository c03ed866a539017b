/** Whether a policy's `frame-ancestors` allows a page. */

/**
 * Returns the sources of `frame-ancestors` in each policy of a header. Several headers are one text with commas between them.
 */
export function readFrameAncestors(header: string | null): readonly (readonly string[])[] {
  return (header ?? "").split(",").flatMap((policy) => {
    const directives = policy.split(";").map((directive) => directive.trim().split(/\s+/));
    const [, ...sources] = directives.find(([name]) => name?.toLowerCase() === "frame-ancestors") ?? [];
    return directives.some(([name]) => name?.toLowerCase() === "frame-ancestors") ? [sources] : [];
  });
}

/** Checks that a source allows a page's origin, as CSP 3 matches it. `own` is the origin of the document with the policy. */
export function allowsOrigin(source: string, origin: string, own: string): boolean {
  if (source === "'self'") return origin === own;
  const page = parseOrigin(origin);
  if (!page) return false;
  if (source === "*") return /^https?:$/.test(page.protocol);
  const [, scheme, host = "", port] = /^(?:([a-z][\w+.-]*):(?:\/\/)?)?([\w.*-]*)(?::(\d+|\*))?\/?$/i.exec(source) ?? [];
  if (scheme && !matchesScheme(scheme.toLowerCase(), page.protocol)) return false;
  if (!host) return Boolean(scheme);
  if (!scheme && !matchesScheme(new URL(own).protocol.slice(0, -1), page.protocol)) return false;
  const isHost = host.startsWith("*.")
    ? page.hostname.endsWith(host.slice(1).toLowerCase())
    : host === "*" || page.hostname === host.toLowerCase();
  if (!isHost || port === "*") return isHost;
  return readPort(page) === (port ?? DEFAULT_PORTS[page.protocol]);
}

const DEFAULT_PORTS: Readonly<Record<string, string>> = { "http:": "80", "https:": "443" };

function readPort({ port, protocol }: URL): string | undefined {
  return port || DEFAULT_PORTS[protocol];
}

/** `http` allows `https` as well. */
function matchesScheme(scheme: string, protocol: string): boolean {
  return protocol === `${scheme}:` || (scheme === "http" && protocol === "https:");
}

function parseOrigin(origin: string): URL | undefined {
  try {
    return new URL(origin);
  } catch {
    // The origin null.
    return undefined;
  }
}
