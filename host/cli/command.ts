/** Form of a subcommand, and the parser of arguments. */
import { type ParseArgsConfig, parseArgs } from "node:util";

/** A subcommand of `availability-bridge`. */
export interface Command {
  /** One line for the list in `--help`. */
  readonly summary: string;
  /** Whole text of `--help` of the subcommand. The first line is `Usage: …`. */
  readonly help: string;
  /**
   * Runs the subcommand with the arguments after its name, without `--help`.
   *
   * @returns the exit code.
   * @throws {UsageError} for wrong arguments: the program prints the message and the usage, and exits with 2.
   * @throws {CommandError} for a fault that the caller can mend: the program prints the message, and exits with 2.
   */
  run(args: readonly string[], output: Output): Promise<number>;
}

/** Writers of whole lines: results go to standard output, progress to standard error. */
export interface Output {
  readonly print: (text: string) => void;
  readonly report: (text: string) => void;
}

/** A fault that the caller of the program can mend, such as a missing browser. */
export class CommandError extends Error {
  override readonly name: string = "CommandError";
}

/** Arguments that the program does not know, or that do not fit together. */
export class UsageError extends CommandError {
  override readonly name = "UsageError";
}

/** An option by its name without the dashes. A `string` option takes a value. */
export type OptionTypes = Readonly<Record<string, "boolean" | "string">>;

/** Values of the options that were given, and the arguments without a dash. */
export interface ParsedArguments<Options extends OptionTypes> {
  readonly options: {
    readonly [Name in keyof Options]?: Options[Name] extends "string" ? string : boolean;
  };
  readonly positionals: readonly string[];
}

/**
 * Parses `--name value`, `--name=value` and arguments without a dash.
 *
 * @throws {UsageError} for an unknown option, an option that is given twice, a missing value or one too many.
 */
export function parseArguments<const Options extends OptionTypes>(
  args: readonly string[],
  optionTypes: Options,
): ParsedArguments<Options> {
  const config: NonNullable<ParseArgsConfig["options"]> = Object.fromEntries(
    Object.entries(optionTypes).map(([name, type]) => [name, { type }]),
  );
  // Not strict: the errors of the strict parser are about Node's interface, not about this program.
  const { tokens, positionals } = parseArgs({
    args: [...args],
    options: config,
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  const options = new Map<string, string | boolean>();
  for (const token of tokens) {
    if (token.kind !== "option") continue;
    const { name, rawName, value } = token;
    const type = Object.hasOwn(optionTypes, name) ? optionTypes[name] : undefined;
    // Without the value, which may be a token.
    if (!type) throw new UsageError(`${rawName}: expected ${list(Object.keys(optionTypes))}`);
    if (options.has(name)) throw new UsageError(`${rawName}: expected once`);
    if (type === "boolean" && value !== undefined) throw new UsageError(`${rawName}: expected no value`);
    if (type === "string" && (!value || (!token.inlineValue && value.startsWith("--")))) {
      throw new UsageError(`${rawName}: expected a value after it`);
    }
    options.set(name, value ?? true);
  }
  return { options: Object.fromEntries(options) as ParsedArguments<Options>["options"], positionals };
}

function list(names: readonly string[]): string {
  return names.map((name) => `--${name}`).join(", ");
}
