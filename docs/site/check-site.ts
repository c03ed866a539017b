/** Checks the built site: each link leads to a page and a heading, and each resource is a file of the site. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** Elements that load a resource. `a` loads nothing. */
const LOADED = /<(?:script|img|iframe|link|source|video|audio)\b[^>]*?\s(?:src|href)="([^"]*)"/g;
const LINKED = /<a\b[^>]*?\shref="([^"]*)"/g;

/**
 * Returns a sentence for each fault of a built site.
 *
 * @param folder the built site
 * @param base path at which the site is served, with a slash at both ends
 */
export function findFaults(folder: string, base: string): readonly string[] {
  const pages = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((file) => file.replaceAll("\\", "/"))
    .filter((file) => file.endsWith(".html"));
  const texts = new Map(pages.map((page) => [page, readFileSync(path.join(folder, page), "utf8")]));
  const anchors = new Map([...texts].map(([page, html]) => [page, idsOf(html)]));
  const fileOf = (url: URL): string => {
    const file = decodeURIComponent(url.pathname.slice(base.length));
    return file === "" || file.endsWith("/") ? `${file}index.html` : file;
  };
  return [...texts].flatMap(([page, html]) => {
    const origin = "http://site.invalid";
    const address = new URL(base + page, origin);
    const faultOf = (target: string, isLoaded: boolean): string | undefined => {
      const url = new URL(target, address);
      if (isLoaded && url.protocol === "data:") return undefined;
      if (url.origin !== origin) return isLoaded ? `${page} loads ${target} from another host` : undefined;
      // The playground's link leads out of the site, to the demo that serves both.
      if (url.pathname === "/") return undefined;
      const file = fileOf(url);
      if (!url.pathname.startsWith(base) || !existsSync(path.join(folder, file))) {
        return `${page} leads to ${target}, which does not exist`;
      }
      const anchor = decodeURIComponent(url.hash.slice(1));
      if (anchor === "" || anchors.get(file)?.has(anchor) !== false) return undefined;
      return `${page} leads to ${target}, a heading that does not exist`;
    };
    const loaded = Array.from(html.matchAll(LOADED), ([, target = ""]) => faultOf(decode(target), true));
    const linked = Array.from(html.matchAll(LINKED), ([, target = ""]) => faultOf(decode(target), false));
    return [...new Set([...loaded, ...linked])].filter((fault) => fault !== undefined);
  });
}

function idsOf(html: string): ReadonlySet<string> {
  return new Set(Array.from(html.matchAll(/\sid="([^"]+)"/g), ([, id = ""]) => decode(id)));
}

function decode(text: string): string {
  return text.replaceAll("&quot;", '"').replaceAll("&#39;", "'").replaceAll("&amp;", "&");
}
