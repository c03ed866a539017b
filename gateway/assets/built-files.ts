import { readdir, readFile } from "node:fs/promises";
import { basename, extname, join, relative, sep } from "node:path";
import { systemErrorCode } from "../system-error.ts";
import {
  COMPRESSED_EXTENSIONS,
  type CompressedBodies,
  type Compression,
  compress,
  isCompressionOf,
} from "./compression.ts";
import { hashTag } from "./content-hash.ts";

/** A file of the build, in memory. */
export interface BuiltFile {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly contentType: string;
  /** The body as compressed. */
  readonly compressed: CompressedBodies;
  /** Strong entity tag of the body as it is, with its quotes. */
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
  /** Files that the loader scripts of the releases load (badges, tools, languages), by name: `embed-badge-1a2b3c4d.js`. */
  readonly releaseParts: ReadonlyMap<string, BuiltFile>;
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
 * Names that the build gives to a release's loader script, and to the files that it loads. The names alone tell them apart, here and
 * nowhere else: of the releases that an operator keeps in one directory, only the last one has its `embed.integrity.json`.
 */
const RELEASE_NAME = /^embed-\d[\w.-]*\.js$/;
const RELEASE_PART_NAME = /^embed-(?:badge|doctor|extras|inspector|language)-[\w.-]*\.js$/;

/** Extensions of files that browsers do not request by their names. */
const UNSERVED_EXTENSIONS = new Set([".map", ...Object.values(COMPRESSED_EXTENSIONS)]);

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
  const names = await readdir(directory);
  return {
    widgetHtml: new TextDecoder().decode(html),
    widgetAssets: await readAssets(join(directory, "widget")),
    embed: await toBuiltFile(join(directory, "embed.js"), embed),
    releases: await readScripts(directory, names, RELEASE_NAME),
    releaseParts: await readScripts(directory, names, RELEASE_PART_NAME),
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
    .filter((entry) => entry.isFile() && !UNSERVED_EXTENSIONS.has(extname(entry.name)))
    .map((entry) => relative(directory, join(entry.parentPath, entry.name)))
    .filter((path) => path.startsWith(`assets${sep}`));
  const files = paths.map(async (path): Promise<[string, BuiltFile]> => {
    const file = join(directory, path);
    return [path.split(sep).join("/"), await toBuiltFile(file, await readFile(file))];
  });
  return new Map(await Promise.all(files));
}

/**
 * Reads the scripts of all releases whose names match: a page with a pinned release still loads the earlier script, its badge, tools and
 * languages, so operators keep old scripts.
 */
async function readScripts(
  directory: string,
  names: readonly string[],
  pattern: RegExp,
): Promise<ReadonlyMap<string, BuiltFile>> {
  const scripts = names.filter((name) => pattern.test(name));
  const files = scripts.map(async (name): Promise<[string, BuiltFile]> => {
    const path = join(directory, name);
    return [name, await toBuiltFile(path, await readFile(path))];
  });
  return new Map(await Promise.all(files));
}

async function toBuiltFile(path: string, bytes: Uint8Array): Promise<BuiltFile> {
  const [br, gzip] = await Promise.all([readOrCompress(path, bytes, "br"), readOrCompress(path, bytes, "gzip")]);
  return {
    body: Uint8Array.from(bytes),
    compressed: { ...(br && { br }), ...(gzip && { gzip }) },
    contentType: CONTENT_TYPES[extname(path)] ?? "application/octet-stream",
    etag: hashTag(bytes),
  };
}

/**
 * Returns the compressed file that the build has written beside a file, and compresses the file itself if there is none, as
 * beside the scripts of earlier releases that the operator has kept, or if it is one of other content, as after a copy of one
 * release over another. `undefined` if compression does not make the file smaller.
 */
async function readOrCompress(
  path: string,
  bytes: Uint8Array,
  compression: Compression,
): Promise<Uint8Array<ArrayBuffer> | undefined> {
  const built = await readIfPresent(path + COMPRESSED_EXTENSIONS[compression]);
  const isUsable = built && (await isCompressionOf(bytes, built, compression));
  const compressed = isUsable ? built : await compress(bytes, compression);
  return compressed.length < bytes.length ? Uint8Array.from(compressed) : undefined;
}

async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (systemErrorCode(cause) !== "ENOENT") throw cause;
    return undefined;
  }
}
