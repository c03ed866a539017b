import { parseArgs } from "node:util";
import * as v from "valibot";
import { CommandLineError } from "../command-line.ts";
import { parseUserId, USER_ID } from "../http/routes/user-id.ts";
import { CustomerId } from "../settings/customer-settings.ts";

/** Command about a customer's data, as the operator writes it after the program's name. */
export type DataCommand =
  | {
      readonly kind: "erase";
      readonly customer: string;
      /** Users to erase; `undefined` for everything of the customer. */
      readonly userIds: readonly number[] | undefined;
      /** True if the command is not to ask. */
      readonly isConfirmed: boolean;
    }
  /** Without a customer, of all customers in the settings. */
  | { readonly kind: "export"; readonly customer: string | undefined }
  /** Without a customer, of all customers in the file. */
  | { readonly kind: "restore"; readonly customer: string | undefined; readonly isDryRun: boolean };

interface Option {
  readonly type: "string" | "boolean";
  readonly multiple?: boolean;
}

interface CommandDescription {
  /** The command with its options. */
  readonly usage: string;
  readonly meaning: string;
  readonly options: Readonly<Record<string, Option>>;
}

/** Commands by their names. */
export const DATA_COMMANDS = {
  erase: {
    usage: "erase --customer ID [--user ID]... [--yes]",
    meaning: "erase a customer's data, or single users of it, at Redis and at every running gateway",
    options: {
      customer: { type: "string" },
      user: { type: "string", multiple: true },
      yes: { type: "boolean" },
    },
  },
  export: {
    usage: "export --customer ID | --all > FILE",
    meaning: "write the agents of a customer, or of all customers in the settings",
    options: { customer: { type: "string" }, all: { type: "boolean" } },
  },
  restore: {
    usage: "restore --customer ID | --all [--dry-run] < FILE",
    meaning: "set the agents of a customer, or of all customers in the file, as they are in an exported file",
    options: { customer: { type: "string" }, all: { type: "boolean" }, "dry-run": { type: "boolean" } },
  },
} as const satisfies Readonly<Record<string, CommandDescription>>;

type CommandName = keyof typeof DATA_COMMANDS;

/** Values of the options, by name. */
type GivenOptions = ReadonlyMap<string, readonly string[]>;

/**
 * Parses the process's arguments, without the program's own name. `undefined` if the first argument is no command about
 * data.
 *
 * @throws {CommandLineError} for wrong arguments of a command, with all problems.
 */
export function readDataCommand([name, ...args]: readonly string[]): DataCommand | undefined {
  if (name === undefined || !isCommandName(name)) return undefined;
  const problems: string[] = [];
  const given = readOptions(name, args, problems);
  const customer = readCustomer(given, problems);
  if (name !== "erase" && given.has("customer") === given.has("all"))
    problems.push("expected either --customer or --all");
  if (name === "erase" && !given.has("customer")) problems.push("expected --customer with a customer's id");
  const userIds = readUserIds(given, problems);
  if (problems.length > 0) {
    throw new CommandLineError([...problems, `Usage: availability-gateway ${DATA_COMMANDS[name].usage}`].join("\n"));
  }
  switch (name) {
    case "erase":
      return { kind: name, customer: customer ?? "", userIds, isConfirmed: given.has("yes") };
    case "export":
      return { kind: name, customer };
    case "restore":
      return { kind: name, customer, isDryRun: given.has("dry-run") };
  }
}

function isCommandName(name: string): name is CommandName {
  return Object.hasOwn(DATA_COMMANDS, name);
}

function readOptions(name: CommandName, args: readonly string[], problems: string[]): GivenOptions {
  const options: Readonly<Record<string, Option>> = DATA_COMMANDS[name].options;
  // Not strict: the strict parser reports one problem at a time, in words of its own.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, tokens: true });
  const given = new Map<string, readonly string[]>();
  for (const token of tokens) {
    if (token.kind === "option-terminator") continue;
    const argument = token.kind === "option" ? token.rawName : token.value;
    const option = token.kind === "option" && Object.hasOwn(options, token.name) ? options[token.name] : undefined;
    if (token.kind !== "option" || !option) {
      problems.push(`${JSON.stringify(argument)} is not an option of ${name}`);
    } else if (option.type === "boolean" && token.value !== undefined) {
      problems.push(`${argument} takes no value`);
    } else if (option.type === "string" && token.value === undefined) {
      problems.push(`${argument} needs a value`);
    } else {
      const former = given.get(token.name) ?? [];
      if (former.length > 0 && !option.multiple) problems.push(`${argument} was given twice`);
      given.set(token.name, [...former, token.value ?? ""]);
    }
  }
  return given;
}

function readCustomer(given: GivenOptions, problems: string[]): string | undefined {
  const [text] = given.get("customer") ?? [];
  if (text === undefined) return undefined;
  const read = v.safeParse(CustomerId, text);
  if (!read.success) problems.push(`--customer: ${read.issues[0].message}`);
  return text;
}

function readUserIds(given: GivenOptions, problems: string[]): readonly number[] | undefined {
  return given.get("user")?.map((text) => {
    const userId = parseUserId(text);
    if (userId === undefined) problems.push(`--user: expected ${USER_ID}, came ${JSON.stringify(text)}`);
    return userId ?? 0;
  });
}

/** Lines of `--help` about the commands. */
export function describeDataCommands(): readonly string[] {
  return Object.values(DATA_COMMANDS).flatMap(({ usage, meaning }) => [`  ${usage}`, `      ${meaning}`]);
}
