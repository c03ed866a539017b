/** Writes the folder of pages from which VitePress builds the site. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import { isImage, placeOf, rewriteLinks } from "./links.ts";
import { readSections } from "./sections.ts";

/** Pages of the site besides those of `docs`. Other files are on the site if a page leads there. */
const ENTRIES = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "gateway/README.md", "docs/site/playground.md"];

/** Pages without an entry in the search: the changelog has each word. */
const UNSEARCHED = new Set(["CHANGELOG.md"]);

/** The picture of the home page. */
const PICTURE = {
  file: "docs/pictures/playground.png",
  text: "The playground: a CRM's contacts with badges, and the widget",
};

/** The repository, and the folder of pages. Both paths are absolute. */
export interface Folders {
  readonly repository: string;
  readonly pages: string;
}

/**
 * Writes the pages of `docs`, `ENTRIES`, and each file of the repository to which a page leads.
 *
 * @returns the files of the repository that are on the site
 * @throws {Error} if a link leads to a file that does not exist
 */
export function writePages(folders: Folders): readonly string[] {
  rmSync(folders.pages, { recursive: true, force: true });
  const docs = readdirSync(path.join(folders.repository, "docs")).filter((name) => name.endsWith(".md"));
  const files = new Set([...docs.map((name) => `docs/${name}`), ...ENTRIES]);
  // A set's iterator also visits what is added during the loop.
  for (const file of files) for (const linked of writePage(file, folders)) files.add(linked);
  return [...files];
}

/** Writes a file's page, and returns the files to which the page leads. */
export function writePage(file: string, { repository, pages }: Folders): readonly string[] {
  const source = path.join(repository, file);
  const place = path.join(pages, placeOf(file));
  mkdirSync(path.dirname(place), { recursive: true });
  if (isImage(file)) {
    copyFileSync(source, place);
    return [];
  }
  if (statSync(source).isDirectory()) {
    const names = readdirSync(source).sort();
    writeFileSync(place, listPage(file, names));
    return [];
  }
  const content = readFileSync(source, "utf8");
  if (!file.endsWith(".md")) {
    writeFileSync(place, codePage(file, content));
    return [];
  }
  const { text, files } = rewriteLinks(content, file);
  if (file === "docs/README.md") {
    writeFileSync(place, homePage(content, readFirstSentence(repository)));
    return [...files, PICTURE.file];
  }
  writeFileSync(place, UNSEARCHED.has(file) ? `---\nsearch: false\n---\n\n${text}` : text);
  return files;
}

/** The home page: what the product is, and a box for each reader with the titles of the pages. */
function homePage(readme: string, sentence: string): string {
  const features = readSections(readme).map(({ title, pages }) => ({
    title,
    details: pages.map((page) => page.title).join(" · "),
    link: `/${pages[0]?.file}`,
  }));
  const hero = {
    name: "availability-bridge",
    tagline: sentence,
    actions: [
      { text: "Add it to your pages", link: "/repository/README.md" },
      { text: "Try the playground", link: "/playground.md", theme: "alt" },
    ],
  };
  // JSON is YAML as well.
  const settings = `---\nlayout: home\nhero: ${JSON.stringify(hero)}\nfeatures: ${JSON.stringify(features)}\n---\n`;
  return `${settings}\n![${PICTURE.text}](./${placeOf(PICTURE.file)})\n`;
}

function readFirstSentence(repository: string): string {
  const readme = readFileSync(path.join(repository, "README.md"), "utf8");
  const [, sentence] = /^# .+\n+([^.]+\.)/.exec(readme) ?? [];
  if (sentence === undefined) throw new Error("README.md: expected a sentence after the title");
  return sentence;
}

/** Languages of files whose ending is not the name of the language. */
const LANGUAGES: Readonly<Record<string, string>> = { conf: "nginx", mjs: "js", service: "ini", sh: "sh", yml: "yaml" };

/** A page with the text of a file other than Markdown. */
function codePage(file: string, content: string): string {
  const extension = path.extname(file).slice(1);
  const longest = Math.max(2, ...Array.from(content.matchAll(/`{3,}/g), ([fence]) => fence.length));
  const fence = "`".repeat(longest + 1);
  const language = LANGUAGES[extension] ?? (extension === "" ? "txt" : extension);
  const body = `${fence}${language}\n${content.trimEnd()}\n${fence}`;
  return `---\nsearch: false\n---\n\n# \`${file}\`\n\nA file of the repository.\n\n${body}\n`;
}

/** A page that names the files of a folder. */
function listPage(folder: string, names: readonly string[]): string {
  const list = names.map((name) => `- \`${name}\``).join("\n");
  return `---\nsearch: false\n---\n\n# \`${folder}\`\n\nA folder of the repository.\n\n${list}\n`;
}
