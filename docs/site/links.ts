/** Places of the repository's files on the site, and the links of a page rewritten to the places. */
import path from "node:path";

const IMAGE = /\.(?:png|svg|webp)$/;

/** True for a file that the site copies unchanged. */
export function isImage(file: string): boolean {
  return IMAGE.test(file);
}

/**
 * Returns the path below the site's sources for a file of the repository. A page of `docs` keeps the path below `docs`, the list of pages is the
 * home page, and every other file has a page below `repository`.
 */
export function placeOf(file: string): string {
  if (file === "docs/README.md") return "index.md";
  if (file === "docs/site/playground.md") return "playground.md";
  const place = file.startsWith("docs/") ? file.slice("docs/".length) : `repository/${file}`;
  return file.endsWith(".md") || isImage(file) ? place : `${place}.md`;
}

/** Matches a block of code, or a link's target. Only the second has a group. */
const BLOCK_OR_TARGET = /^( *)(`{3,}).*?^\1\2|\]\(([^)\s]+)\)/gms;

/** A page with rewritten links, and the files of the repository to which the links lead. */
export interface LinkedPage {
  readonly text: string;
  readonly files: readonly string[];
}

/**
 * Rewrites the relative links of a page: from file to file of the repository becomes from place to place of the site. Links to headings of the
 * page, and addresses, stay.
 *
 * @param file the page's path in the repository
 */
export function rewriteLinks(page: string, file: string): LinkedPage {
  const files: string[] = [];
  const text = page.replaceAll(BLOCK_OR_TARGET, (match, _indent, _fence, target: string | undefined) => {
    if (target === undefined || /^(?:[a-z]+:|#|\/)/.test(target)) return match;
    const [relative = "", anchor] = target.split("#");
    const linked = path.posix.join(path.posix.dirname(file), relative);
    files.push(linked);
    const place = path.posix.relative(path.posix.dirname(placeOf(file)), placeOf(linked));
    return `](${place.startsWith(".") ? place : `./${place}`}${anchor === undefined ? "" : `#${anchor}`})`;
  });
  return { text, files };
}

/** Returns a heading's anchor, as GitHub derives it, so that a link works there and here. */
export function toAnchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");
}
