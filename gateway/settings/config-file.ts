import * as v from "valibot";
import { GatewayConfig } from "./customer-settings.ts";
import type { Environment } from "./environment.ts";
import { findJsonError } from "./json-error.ts";
import { type References, type Resolved, resolveReferences } from "./references.ts";
import { readTextFile } from "./secret-files.ts";

/** Customers of a text, or one line for each problem. */
export type ReadConfig =
  | {
      readonly config: GatewayConfig;
      /** Origin of each value by its path, such as `customers.0.tokens.secret`. Defaults are left out. */
      readonly origins: ReadonlyMap<string, string>;
    }
  | { readonly problems: readonly string[] };

/**
 * Reads the customers' file. Secrets are references to the environment, such as `"${ACME_SECRET}"`, or to a file, such as
 * `"${file:/run/secrets/acme}"`; any value may be a reference.
 */
export function readConfig(
  text: string,
  environment: Environment,
  sources: Partial<Pick<References, "readFile" | "files">> = {},
): ReadConfig {
  const parsed = parseConfig(text);
  if ("problem" in parsed) return { problems: [parsed.problem] };
  const resolved = resolveReferences(parsed.value, { environment, readFile: readTextFile, ...sources });
  const problems = [...resolved.problems];
  const result = v.safeParse(GatewayConfig, resolved.value);
  if (!result.success) problems.push(...result.issues.map(describeIssue));
  if (result.success && problems.length === 0) return { config: result.output, origins: resolved.origins };
  return { problems: problems.map((problem) => withReferences(problem, resolved)) };
}

/** Parses the text of a customers' file, or describes why it is no JSON, without a word of the text. */
export function parseConfig(text: string): { readonly value: unknown } | { readonly problem: string } {
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

/** Replaces values by their references in a problem, because schemas quote rejected values. */
function withReferences(problem: string, { values }: Pick<Resolved, "values">): string {
  return [...values].reduce((rest, [reference, value]) => {
    // Replace quoted values only: a short value could also be part of the message.
    return [JSON.stringify(value), `"${value}"`].reduce(
      (words, quoted) => words.replaceAll(quoted, () => `"${reference}"`),
      rest,
    );
  }, problem);
}
