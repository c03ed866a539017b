/** The API reference: a page for each entry of the package, with every export and its doc comment, which TypeDoc reads from the sources. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { Application, type DeclarationReflection, LogLevel, type TypeDocOptions } from "typedoc";
import type { PluginOptions } from "typedoc-plugin-markdown";
import { LANGUAGES } from "../../shared/languages/language.ts";

/** An entry of the package. */
export interface Entry {
  /** Name that a page imports, such as `availability-bridge/badge`. */
  readonly name: string;
  /** Path of the source in the repository. */
  readonly source: string;
}

/**
 * Reads the entries that have types from `package.json`.
 *
 * @throws {Error} if an entry's declarations are made from no source
 */
export function readEntries(repository: string): readonly Entry[] {
  const { name, exports } = JSON.parse(readFileSync(path.join(repository, "package.json"), "utf8"));
  return Object.keys(exports).flatMap((key) => {
    const types: unknown = exports[key].default?.types;
    if (typeof types !== "string") return [];
    const stem = types.replace(/^\.\/dist\/types\//, "").replace(/\.d\.ts$/, "");
    const matches = key.includes("*")
      ? (PATTERNS[key] ?? readSources(path.join(repository, path.dirname(stem))))
      : [""];
    return matches.map((match) => {
      const file = stem.replace("*", match);
      const source = [`${file}.ts`, `${file}.tsx`].find((each) => existsSync(path.join(repository, each)));
      if (source === undefined) throw new Error(`package.json: expected a source of ${types} at ${file}.ts`);
      return { name: name + key.slice(1).replace("*", match), source };
    });
  });
}

/** Names for the `*` of an entry, if the folder has other sources as well. English is in the badge. */
const PATTERNS: Readonly<Record<string, readonly string[]>> = { "./languages/*": LANGUAGES.slice(1) };

/** Returns the names of a folder's sources, without extensions and without tests. */
function readSources(folder: string): readonly string[] {
  const names = readdirSync(folder).map((file) => /^([\w-]+)\.tsx?$/.exec(file)?.[1]);
  return names.filter((name) => name !== undefined);
}

/** Returns the path of an entry's page below the site's sources. */
export function pageOf({ name }: Entry): string {
  return `api/${name}.md`;
}

/**
 * Writes the reference into the folder of pages.
 *
 * @throws {Error} if an export has no doc comment, or if a source cannot be read
 */
export async function writeApiReference(repository: string, pages: string): Promise<readonly Entry[]> {
  const entries = readEntries(repository);
  const options: TypeDocOptions & Partial<PluginOptions> = {
    name: "API reference",
    tsconfig: path.join(repository, "docs/site/tsconfig.api.json"),
    entryPoints: entries.map(({ source }) => path.join(repository, source)),
    basePath: repository,
    plugin: ["typedoc-plugin-markdown"],
    readme: "none",
    disableGit: true,
    disableSources: true,
    // `npm run check` has checked the types with the project's own compiler.
    skipErrorChecking: true,
    excludeInternal: true,
    excludePrivate: true,
    excludeExternals: true,
    validation: { notDocumented: false, invalidLink: true, notExported: false },
    // TypeDoc warns of each key that two branches of a type declare.
    logLevel: LogLevel.Error,
    outputs: [{ name: "markdown", path: path.join(pages, "api") }],
    outputFileStrategy: "modules",
    entryFileName: "index",
    hidePageHeader: true,
    hideBreadcrumbs: true,
    hidePageTitle: false,
    // TypeDoc numbers namesakes by what it reads, and headings are numbered by what is written.
    useHTMLAnchors: true,
    useCodeBlocks: true,
    sanitizeComments: true,
    parametersFormat: "table",
    pageTitleTemplates: { module: ({ name }) => name },
  };
  const app = await Application.bootstrapWithPlugins(options);
  const project = await app.convert();
  if (!project) throw new Error("TypeDoc could not read the package's sources; its messages are above");
  // TypeDoc names a module by its file, and `index.ts` by its folder.
  const names = new Map(entries.map(({ name, source }) => [source.replace(/(?:\/index)?\.tsx?$/, ""), name]));
  for (const module of project.children ?? []) module.name = names.get(module.name) ?? module.name;
  const bare = (project.children ?? []).flatMap((module) =>
    (module.children ?? []).filter((each) => !isDocumented(each)).map((each) => `${module.name}: ${each.name}`),
  );
  if (bare.length > 0)
    throw new Error(`Expected a doc comment on each export, but there is none on ${bare.join(", ")}`);
  app.logger.resetWarnings();
  app.logger.level = LogLevel.Warn;
  app.validate(project);
  await app.generateOutputs(project);
  if (app.logger.hasErrors() || app.logger.hasWarnings()) {
    throw new Error("The API reference has faults; TypeDoc's messages are above");
  }
  return entries;
}

/** True if an export, or a signature of a function, has a doc comment. An export of another entry's object has the comment there. */
function isDocumented(reflection: DeclarationReflection): boolean {
  if (reflection.isReference()) return true;
  return reflection.hasComment() || (reflection.signatures ?? []).some((signature) => signature.hasComment());
}
