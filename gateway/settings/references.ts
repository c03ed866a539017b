import type { Environment } from "./environment.ts";
import { type ReadFile, readSecretFile, UNREADABLE } from "./secret-files.ts";

/** Keys whose values must be references: more people read and copy the file than may know the secrets. */
const SECRET_NAMES = ["secret", "apiId", "apiToken", "webhookToken"];

const REFERENCE = /^\$\{(?:file:([^}]+)|([A-Za-z_]\w*))\}$/;

/** Sources of the values that a customers' file refers to. */
export interface References {
  readonly environment: Environment;
  readonly readFile: ReadFile;
  /** Path of the file of each variable with a value from a file. @default no files */
  readonly files?: ReadonlyMap<string, string>;
}

/** Content of a customers' file without references. */
export interface Resolved {
  readonly value: unknown;
  readonly problems: readonly string[];
  /** Origin of each value by its path. */
  readonly origins: ReadonlyMap<string, string>;
  /** Value of each reference. */
  readonly values: ReadonlyMap<string, string>;
}

/** Replaces each reference in the parsed content of a customers' file by its value. */
export function resolveReferences(
  content: unknown,
  { environment, readFile, files = new Map() }: References,
): Resolved {
  const problems: string[] = [];
  const origins = new Map<string, string>();
  const values = new Map<string, string>();

  /** Resolves the value at a path. `setting` is the last name in the path: a list's values have the list's name. */
  function resolve(value: unknown, path: string, setting: string): unknown {
    if (Array.isArray(value)) return value.map((item, index) => resolve(item, join(path, `${index}`), setting));
    if (typeof value === "object" && value !== null)
      return Object.fromEntries(
        Object.entries(value).map(([name, item]) => [name, resolve(item, join(path, name), name)]),
      );
    origins.set(path, "customers' file");
    return typeof value === "string" ? resolveText(value, path, setting) : value;
  }

  function resolveText(text: string, path: string, setting: string): string {
    const [, file, name] = REFERENCE.exec(text) ?? [];
    if (file === undefined && name === undefined) {
      if (!isSecretSetting(setting)) return text;
      problems.push(`${path}: ${describeWrittenSecret(setting)}`);
      return UNREADABLE;
    }
    const found = file === undefined ? readVariable(name ?? "") : readFromFile(file);
    if ("problem" in found) {
      problems.push(`${path}: ${found.problem}`);
      return UNREADABLE;
    }
    origins.set(path, found.origin);
    values.set(text, found.value);
    return found.value;
  }

  function readVariable(name: string) {
    const value = environment[name];
    if (!value) return { problem: `the environment has neither ${name} nor ${name}_FILE` };
    const path = files.get(name);
    return { value, origin: path === undefined ? `environment ${name}` : `file ${path}` };
  }

  function readFromFile(path: string) {
    const content = readSecretFile(path, environment, readFile);
    return "problem" in content ? content : { value: content.text, origin: `file ${content.path}` };
  }

  return { value: resolve(content, "", ""), problems, origins, values };
}

function join(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

/** True for a setting whose value, or each of whose values, must be a reference. */
export function isSecretSetting(name: string): boolean {
  return SECRET_NAMES.includes(name);
}

function describeWrittenSecret(setting: string): string {
  const example = setting.replaceAll(/[A-Z]/g, (letter) => `_${letter}`);
  return `secrets are not allowed in this file: write a reference such as \${${example.toUpperCase()}} or \${file:/run/secrets/${example.toLowerCase()}}`;
}

/** Names of the variables that the text of a customers' file refers to. */
export function findReferences(text: string): readonly string[] {
  return Array.from(text.matchAll(/"\$\{([A-Za-z_]\w*)\}"/g), ([, name = ""]) => name);
}
