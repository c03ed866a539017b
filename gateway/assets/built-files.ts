import { readdir, readFile } from "node:fs/promises";
import { basename, extname, join, relative, sep } from "node:path";
import { systemErrorCode } from "../system-error.ts";
import { hashTag } from "./content-hash.ts";

/** A file of the build, in memory. */
export interface BuiltFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** Strong entity tag, with its quotes. */
  readonly etag: string;
}

/** The parts of the build that browsers load. */
export interface BuiltFiles {
  /** The widget's document as built, without its settings. */
  readonly widgetHtml: string;
  /** The widget's further files by their path from the document: `assets/view-Bx1.js`. */
  readonly widgetAssets: ReadonlyMap<string, BuiltFile>;
  /** The loader script. */
  readonly embed: BuiltFile;
  /** Loader scripts of all releases in the build's directory, by name: `embed-1.2.3.js`. */
  readonly releases: ReadonlyMap<string, BuiltFile>;
}

/** A part of the build is missing. The operator has to copy or build it. */
export class NotBuiltError extends Error {
  override readonly name = "NotBuiltError";
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  ".css": "text/css; charset=utf-8",
  ".ico": "image/x-icon",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".png": "image/png",
  ".svg": "image/svg+xml",
  ".webp": "image/webp",
  ".woff2": "font/woff2",
};

/**
 * Reads the files that browsers may request from the build's directory, once. No request reaches the file system, so no
 * path in a request can lead out of the directory.
 *
 * @throws {NotBuiltError} if the widget or the loader script is missing.
 */
export async function readBuiltFiles(directory: string): Promise<BuiltFiles> {
  const [html, embed] = await Promise.all([
    readBuilt(directory, join("widget", "index.html")),
    readBuilt(directory, "embed.js"),
  ]);
  return {
    widgetHtml: new TextDecoder().decode(html),
    widgetAssets: await readAssets(join(directory, "widget")),
    embed: toBuiltFile("embed.js", embed),
    releases: await readReleases(directory),
  };
}

async function readBuilt(directory: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(join(directory, path));
  } catch (cause) {
    if (systemErrorCode(cause) !== "ENOENT") throw cause;
    const missing = join(basename(directory), path);
    throw new NotBuiltError(
      `${missing} is missing beside the gateway. Copy the whole directory ${basename(directory)} of a release, with widget/ and embed.js; from sources, build it first.`,
      { cause },
    );
  }
}

async function readAssets(directory: string): Promise<ReadonlyMap<string, BuiltFile>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile() && extname(entry.name) !== ".map")
    .map((entry) => join(entry.parentPath, entry.name));
  const files = paths.map(
    async (path): Promise<[string, BuiltFile]> => [
      relative(directory, path).split(sep).join("/"),
      toBuiltFile(path, await readFile(path)),
    ],
  );
  return new Map((await Promise.all(files)).filter(([path]) => path.startsWith("assets/")));
}

/**
 * Reads the scripts of all releases: a page with a pinned release still loads the earlier script, so operators keep old
 * scripts.
 */
async function readReleases(directory: string): Promise<ReadonlyMap<string, BuiltFile>> {
  const names = (await readdir(directory)).filter((name) => /^embed-\d[\w.-]*\.js$/.test(name));
  const files = names.map(
    async (name): Promise<[string, BuiltFile]> => [name, toBuiltFile(name, await readFile(join(directory, name)))],
  );
  return new Map(await Promise.all(files));
}

function toBuiltFile(path: string, bytes: Uint8Array): BuiltFile {
  return {
    body: Uint8Array.from(bytes),
    contentType: CONTENT_TYPES[extname(path)] ?? "application/octet-stream",
    etag: hashTag(bytes),
  };
}
