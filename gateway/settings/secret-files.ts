import { readFileSync } from "node:fs";
import { isAbsolute, resolve } from "node:path";
import { systemErrorCode } from "../system-error.ts";
import type { Environment } from "./environment.ts";

/** Reads a file as text. @throws if the file cannot be read. */
export type ReadFile = (path: string) => string;

/** Reads a file of the machine. */
export function readTextFile(path: string): string {
  return readFileSync(path, "utf8");
}

/** Content of a file, or the reason why there is none, as a sentence without its subject. */
export type FileContent = { readonly text: string; readonly path: string } | { readonly problem: string };

/**
 * Reads a secret from a file, without the last end of line, which most programs add. A relative path starts at
 * `CREDENTIALS_DIRECTORY`, set by systemd for `LoadCredential=`; without the variable at the working directory.
 */
export function readSecretFile(path: string, environment: Environment, readFile: ReadFile): FileContent {
  const directory = environment["CREDENTIALS_DIRECTORY"];
  const absolute = directory ? resolve(directory, path) : resolve(path);
  const quoted = JSON.stringify(absolute);
  let content: string;
  try {
    content = readFile(absolute);
  } catch (error) {
    const folder = systemErrorCode(error) === "ENOENT" ? describeFolder(path, directory) : "";
    return { problem: `${quoted} ${describeReadError(error)}${folder}` };
  }
  const text = content.replace(/\r?\n$/, "");
  if (text === "") return { problem: `${quoted} names a file that is empty` };
  if (text.includes("\uFFFD")) return { problem: `${quoted} names a file that is not text in UTF-8` };
  return { text, path: absolute };
}

/** Describes the folder of a file that does not exist, if the operator did not write it. */
function describeFolder(path: string, directory: string | undefined): string {
  if (directory && resolve(directory, path).startsWith(`${resolve(directory)}/`))
    return "; systemd copies the files of LoadCredential when it starts the unit: restart the unit after a new one";
  if (directory || isAbsolute(path)) return "";
  return "; CREDENTIALS_DIRECTORY is not set, so that the path starts at the folder in which the gateway was started";
}

/** Reason why a file cannot be read, as a sentence without its subject. */
export function describeReadError(error: unknown): string {
  const code = systemErrorCode(error);
  if (code === "ENOENT") return "names a file that does not exist";
  if (code === "EACCES") return "names a file that this process may not read";
  if (code === "EISDIR") return "names a folder";
  return `names a file that cannot be read (${code ?? "no reason is known"})`;
}

/** Environment with the content of files in place of `NAME_FILE` variables. */
export interface ResolvedEnvironment {
  readonly environment: Environment;
  /** Path of the file of each variable with a value from a file. */
  readonly files: ReadonlyMap<string, string>;
  /** Variables whose file cannot be read. */
  readonly unreadable: ReadonlySet<string>;
}

/**
 * Reads the named variables from files, if the environment has `NAME_FILE` in place of `NAME`. Adds a line to `problems` for
 * each unreadable file, and for each variable with both.
 */
export function resolveFiles(
  environment: Environment,
  names: Iterable<string>,
  { readFile, problems }: { readonly readFile: ReadFile; readonly problems: string[] },
): ResolvedEnvironment {
  const resolved: Record<string, string | undefined> = { ...environment };
  const files = new Map<string, string>();
  const unreadable = new Set<string>();
  for (const name of new Set(names)) {
    const path = environment[toFileVariable(name)];
    if (!path) continue;
    if (environment[name]) {
      problems.push(`${toFileVariable(name)}: is set beside ${name}, and one of the two is enough`);
      continue;
    }
    const content = readSecretFile(path, environment, readFile);
    if ("problem" in content) {
      problems.push(`${toFileVariable(name)}: ${content.problem}`);
      resolved[name] = UNREADABLE;
      unreadable.add(name);
      continue;
    }
    resolved[name] = content.text;
    files.set(name, content.path);
  }
  return { environment: resolved, files, unreadable };
}

/** Placeholder of an unreadable value: long enough for any secret, so that a missing file causes no second problem. */
export const UNREADABLE = "x".repeat(64);

/** Name of the variable with the path of the file that has the value of another variable. */
export function toFileVariable(name: string): string {
  return `${name}_FILE`;
}
