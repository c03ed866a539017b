/** Dispatches the subcommands of the executable. */
import { type Command, CommandError, type Output, UsageError } from "./command.ts";
import { conformance } from "./conformance/conformance.ts";
import { doctor } from "./doctor/doctor.ts";

/** Subcommands by name. */
const COMMANDS: Readonly<Record<string, Command>> = { conformance, doctor };

/** Exit code for arguments that the program does not know, and for a fault of the machine, such as a missing browser. */
const EXIT_USAGE = 2;

const HINT = "Run `availability-bridge --help` for the commands";

/** Version of the package. A program without a build, such as a unit test, has none. */
const VERSION = typeof BRIDGE_VERSION === "undefined" ? "0.0.0-unbuilt" : BRIDGE_VERSION;

/**
 * Runs a command line, without the program's own name, and prints its errors.
 *
 * @returns the exit code: 2 for wrong arguments, otherwise that of the subcommand.
 */
export async function runCommandLine(args: readonly string[], output: Output): Promise<number> {
  const [first, ...others] = args;
  switch (first) {
    case "--help":
    case "-h":
    case "help":
      output.print(describeProgram());
      return 0;
    case "--version":
    case "-v":
      output.print(`availability-bridge ${VERSION}`);
      return 0;
    case undefined:
      output.report(describeProgram());
      return EXIT_USAGE;
  }
  const command = Object.hasOwn(COMMANDS, first) ? COMMANDS[first] : undefined;
  if (!command) {
    const kind = first.startsWith("-") ? "an option" : "a command";
    // Without the value of an argument such as `--token=…`.
    output.report(`${JSON.stringify(first.replace(/=.*/s, ""))} is not ${kind} of availability-bridge. ${HINT}`);
    return EXIT_USAGE;
  }
  if (others.includes("--help") || others.includes("-h")) {
    output.print(command.help);
    return 0;
  }
  try {
    return await command.run(others, output);
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    output.report(error.message);
    if (error instanceof UsageError) output.report(command.help.split("\n", 1)[0] ?? "");
    return EXIT_USAGE;
  }
}

function describeProgram(): string {
  return [
    "Usage: availability-bridge COMMAND [OPTIONS]",
    "",
    "Commands:",
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${name.padEnd(13)}${summary}`),
    "",
    "Options:",
    "  --help, -h     print this text; after a command, that of the command",
    "  --version, -v  print the version",
  ].join("\n");
}
