/** The lists of `docs/README.md`: the site's sidebar and home page. */

/** A link in a list. */
export interface ListedPage {
  readonly title: string;
  /** Path below `docs`, such as `redis.md`. */
  readonly file: string;
}

/** A heading with a list: the pages for a reader. */
export interface Section {
  readonly title: string;
  readonly pages: readonly ListedPage[];
}

/**
 * Reads the sections of `docs/README.md`. Each link of a list is a page, in the order of the links, also if a line has several.
 *
 * @throws {Error} if a heading has no link, or if there is no heading
 */
export function readSections(readme: string): readonly Section[] {
  const [, ...parts] = readme.split(/^## /m);
  if (parts.length === 0) throw new Error("docs/README.md: expected a heading of the second level for each reader");
  return parts.map((part) => {
    const [title = ""] = part.split("\n");
    const links = part.matchAll(/\[([^\]]+)\]\(([\w.-]+\.md)\)/g);
    const pages = Array.from(links, ([, text = "", file = ""]) => ({ title: capitalize(text), file }));
    if (pages.length === 0) throw new Error(`docs/README.md: expected a link to a page under "${title}"`);
    return { title, pages };
  });
}

function capitalize(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}
