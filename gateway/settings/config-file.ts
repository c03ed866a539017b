import * as v from "valibot";
import { systemErrorCode } from "../system-error.ts";
import { GatewayConfig } from "./customer-settings.ts";
import { findJsonError } from "./json-error.ts";

/** The environment of a process. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Keys whose values must be references: more people read and copy the file than may know the secrets. */
const SECRET_NAMES = ["secret", "apiId", "apiToken", "webhookToken"];

const REFERENCE = /^\$\{([A-Za-z_]\w*)\}$/;

/** Customers of a text, or one line for each problem. */
export type ReadConfig = { readonly config: GatewayConfig } | { readonly problems: readonly string[] };

/**
 * Reads the customers' file. Secrets are references to the environment, such as `"${ACME_SECRET}"`; any value may be a
 * reference.
 */
export function readConfig(text: string, environment: Environment): ReadConfig {
  const problems: string[] = [];
  const parsed = parseJson(text);
  if ("problem" in parsed) return { problems: [parsed.problem] };
  const resolved = resolve(parsed.value, environment, (path, problem) =>
    problems.push(`${path.join(".")}: ${problem}`),
  );
  const result = v.safeParse(GatewayConfig, resolved);
  if (!result.success) problems.push(...result.issues.map(describeIssue));
  if (result.success && problems.length === 0) return { config: result.output };
  return { problems: problems.map((problem) => withReferences(problem, environment, text)) };
}

/** Reason why a file cannot be read, as a sentence without its subject. */
export function describeReadError(error: unknown): string {
  const code = systemErrorCode(error);
  if (code === "ENOENT") return "names a file that does not exist";
  if (code === "EACCES") return "names a file that this process may not read";
  return `names a file that cannot be read (${code ?? "no reason is known"})`;
}

function parseJson(text: string): { readonly value: unknown } | { readonly problem: string } {
  try {
    return { value: JSON.parse(text) };
  } catch {
    // The parser's own message quotes the text around the error, which may be a secret.
    const error = findJsonError(text);
    if (!error) throw new Error("JSON.parse rejects the customers' file, and no error was found in it");
    const { line, column, expected } = error;
    return { problem: `the file is not JSON: line ${line}, column ${column}: expected ${expected}` };
  }
}

type Report = (path: readonly string[], problem: string) => void;

function resolve(value: unknown, environment: Environment, report: Report, path: readonly string[] = []): unknown {
  if (Array.isArray(value))
    return value.map((item, index) => resolve(item, environment, report, [...path, `${index}`]));
  if (typeof value === "string") return resolveText(value, environment, report, path);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, resolve(item, environment, report, [...path, name])]),
  );
}

function resolveText(text: string, environment: Environment, report: Report, path: readonly string[]): string {
  const name = REFERENCE.exec(text)?.[1];
  if (name === undefined) {
    const isSecret = SECRET_NAMES.includes(path.at(-1) ?? "");
    if (isSecret) report(path, `secrets are not allowed in this file: write a reference such as \${${example(path)}}`);
    return text;
  }
  const value = environment[name];
  if (!value) report(path, `the environment has no ${name}`);
  // Long enough for any schema, so that a missing variable causes no second problem.
  return value || "x".repeat(64);
}

function example(path: readonly string[]): string {
  return (path.at(-1) ?? "").replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** Formats an issue with its path. */
function describeIssue(issue: v.BaseIssue<unknown>): string {
  return `${v.getDotPath(issue) ?? "the file"}: ${describeObject(issue) ?? issue.message}`;
}

/**
 * Describes a problem of an object. valibot has a single type of issue for unknown keys, missing keys and values that
 * are not objects.
 */
function describeObject({ type, expected, received }: v.BaseIssue<unknown>): string | undefined {
  if (type !== "strict_object") return undefined;
  if (expected === "never") return "is not a setting of the gateway";
  return received === "undefined" ? "is missing" : "expected an object";
}

/** Names of the variables that the text of a customers' file refers to. */
export function findReferences(text: string): readonly string[] {
  return Array.from(text.matchAll(/"\$\{([A-Za-z_]\w*)\}"/g), ([, name = ""]) => name);
}

/** Replaces values by their references in a problem, because schemas quote rejected values. */
function withReferences(problem: string, environment: Environment, text: string): string {
  return findReferences(text).reduce((rest, name) => {
    const value = environment[name];
    if (!value) return rest;
    // Replace quoted values only: a short value could also be part of the message.
    return [JSON.stringify(value), `"${value}"`].reduce(
      (words, quoted) => words.replaceAll(quoted, () => `"\${${name}}"`),
      rest,
    );
  }, problem);
}
