import * as v from "valibot";
import { KEY_SET_ALGORITHMS } from "../auth/token-settings.ts";
import { GatewayConfig, SETTING_NAMES } from "./customer-settings.ts";
import type { Environment } from "./environment.ts";
import { findJsonError } from "./json-error.ts";
import { findNearest, MAX_EDITS } from "./nearest-name.ts";
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
  if (text.trim() === "") return { problem: "the file is empty" };
  if (text.startsWith("\uFEFF"))
    return { problem: "the file begins with a byte order mark: save it as UTF-8 without one" };
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
function describeObject({ type, expected, received, path }: v.BaseIssue<unknown>): string | undefined {
  if (type !== "strict_object") return undefined;
  if (expected === "never") return describeUnknownKey(path?.at(-1));
  return received === "undefined" ? "is missing" : "expected an object";
}

/** The part of tokens with the choice of keys. */
const Tokens = v.object({ algorithm: v.picklist(["HS256", ...KEY_SET_ALGORITHMS]) });

/** Describes an unknown key: a key of the second form of tokens, or a misspelt key. */
function describeUnknownKey(item: v.IssuePathItem | undefined): string {
  const key = typeof item?.key === "string" ? item.key : "";
  const tokens = v.safeParse(Tokens, item?.input);
  if (tokens.success && key === "secret") return `belongs to HS256, and ${tokens.output.algorithm} needs jwksUrl`;
  if (tokens.success && key === "jwksUrl") return `belongs to ${KEY_SET_ALGORITHMS.join(", ")}, and HS256 needs secret`;
  const { nearest, edits } = findNearest(key, SETTING_NAMES);
  return `is not a setting of the gateway${edits > 0 && edits <= MAX_EDITS ? `; the nearest is ${nearest}` : ""}`;
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
