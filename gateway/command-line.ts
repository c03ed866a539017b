import { parseArgs } from "node:util";
import { toFileVariable } from "./settings/secret-files.ts";
import { VARIABLES } from "./settings/settings.ts";

/** Task of the gateway's process. */
export type Command = "start" | "check" | "check-token" | "print-config" | "help" | "version";

/** The gateway does not know an argument. The operator has to act. */
export class CommandLineError extends Error {
  override readonly name = "CommandLineError";
}

interface Option {
  readonly type: "boolean";
  readonly short?: string;
  readonly meaning: string;
}

const OPTIONS = {
  check: {
    type: "boolean",
    meaning: "check all settings, print each problem or a summary without secrets, and exit: 0 if valid, 1 if not",
  },
  "check-token": {
    type: "boolean",
    meaning:
      "read a token from standard input, print for whom it holds and until when, or why it is rejected, and exit: 0 if accepted, 1 if not",
  },
  "print-config": {
    type: "boolean",
    meaning: "print all settings with their defaults and the origin of each value as JSON, without secrets, and exit",
  },
  help: { type: "boolean", short: "h", meaning: "print this text" },
  version: { type: "boolean", short: "v", meaning: "print the version" },
} as const satisfies Readonly<Record<string, Option>>;

const USAGE = `Usage: availability-gateway [${Object.keys(OPTIONS)
  .map((name) => `--${name}`)
  .join(" | ")}]`;

/**
 * Parses the process's arguments, without the program's own name. `--help` takes precedence over `--version`, and
 * `--version` over `--check`, `--check` over `--check-token`, and that over `--print-config`.
 *
 * @throws {CommandLineError} for an unknown argument.
 */
export function readCommand(args: readonly string[]): Command {
  // Not strict: the errors of the strict parser advise positional arguments, which the gateway does not accept either.
  const { tokens } = parseArgs({ args: [...args], options: OPTIONS, strict: false, tokens: true });
  const given = new Set<string>();
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    const argument = token.kind === "option" ? token.rawName : token.value;
    const isOption = token.kind === "option" && Object.hasOwn(OPTIONS, token.name);
    // The argument may be the token, which is printed nowhere.
    if (!isOption && args.includes("--check-token"))
      throw new CommandLineError(`--check-token takes no value: it reads the token from standard input. ${USAGE}`);
    if (!isOption) throw new CommandLineError(`${JSON.stringify(argument)} is not an option. ${USAGE}`);
    if (token.value !== undefined) throw new CommandLineError(`${argument} takes no value. ${USAGE}`);
    given.add(token.name);
  }
  const commands = ["help", "version", "check", "check-token", "print-config"] as const;
  return commands.find((command) => given.has(command)) ?? "start";
}

/** Text of `--help`, with lines about the commands. */
export function describeUsage(commands: readonly string[] = []): string {
  return [
    USAGE,
    "",
    "Starts the gateway with the settings of the environment. Without any it is a demo with sample agents.",
    "",
    "Options:",
    ...Object.entries<Option>(OPTIONS).map(([name, { short, meaning }]) => {
      const names = short === undefined ? `--${name}` : `--${name}, -${short}`;
      return `  ${names.padEnd(16)} ${meaning}`;
    }),
    ...(commands.length === 0 ? [] : ["", "Commands, with the same settings as the running gateways:", ...commands]),
    "",
    "Settings, from environment variables:",
    ...VARIABLES.flatMap(({ name, meaning, example, defaultText, isSecret }) => [
      `  ${name}=${example}`,
      `      ${meaning}${isSecret ? `; or ${toFileVariable(name)}, with the path of a file` : ""}${defaultText === undefined ? "" : ` (default: ${defaultText})`}`,
    ]),
    "",
    "The customers' file, metrics, logs and upgrades: docs/run-the-gateway.md beside this program. Tokens: docs/tokens.md.",
  ].join("\n");
}
