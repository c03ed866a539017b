/** Runs the gateway's commands about data, as an operator does. */
import { writeFile } from "node:fs/promises";
import { hostname, userInfo } from "node:os";
import { fileURLToPath } from "node:url";
import { startProcess } from "./running-process.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

const SERVER = fileURLToPath(new URL("../../dist/server.js", import.meta.url));

/** The operator in the audit lines of a test's commands. */
export const OPERATOR = { account: userInfo().username, machine: hostname() };

export interface CommandResult {
  readonly exitCode: number | null;
  /** Every line, of the output and of the error output. */
  readonly lines: readonly string[];
}

/** Runs a command of the gateway's program, with a file as its input. */
export async function runCommand(
  args: string,
  environment: Readonly<Record<string, string>>,
  input = "",
): Promise<CommandResult> {
  const file = `${await makeTemporaryDirectory()}/input`;
  await writeFile(file, input);
  const running = startProcess({
    program: "sh",
    arguments: ["-c", `exec "$0" "$1" ${args} < "$2"`, process.execPath, SERVER, file],
    environment,
  });
  const { exitCode } = await running.ended();
  return { exitCode, lines: running.output };
}

/** Returns the audit lines of a command, as they are in its output. */
export function auditsIn(lines: readonly string[]): readonly unknown[] {
  return lines.filter((line) => line.endsWith('"msg":"audit"}')).map((line): unknown => JSON.parse(line));
}
