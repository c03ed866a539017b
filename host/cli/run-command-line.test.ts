import { expect, test } from "vitest";
import { runCommandLine } from "./run-command-line.ts";

interface Run {
  readonly code: number;
  readonly printed: string;
  readonly reported: string;
}

async function run(...args: readonly string[]): Promise<Run> {
  const printed: string[] = [];
  const reported: string[] = [];
  const code = await runCommandLine(args, {
    print: (text) => printed.push(text),
    report: (text) => reported.push(text),
  });
  return { code, printed: printed.join("\n"), reported: reported.join("\n") };
}

test.each(["--help", "-h", "help"])("%s prints the commands and exits with 0", async (argument) => {
  const { code, printed, reported } = await run(argument);
  expect(code).toBe(0);
  expect(printed).toMatch(/^Usage: availability-bridge COMMAND/);
  expect(printed).toMatch(/^ {2}doctor +says what /m);
  expect(reported).toBe("");
});

test.each(["--version", "-v"])("%s prints the version", async (argument) => {
  expect(await run(argument)).toMatchObject({ code: 0, printed: expect.stringMatching(/^availability-bridge \d/) });
});

test("prints the commands to standard error without a command, and exits with 2", async () => {
  const { code, printed, reported } = await run();
  expect([code, printed]).toEqual([2, ""]);
  expect(reported).toContain("Usage: availability-bridge COMMAND");
});

test.each([
  ["examine", '"examine" is not a command of availability-bridge. Run `availability-bridge --help` for the commands'],
  ["--fast", '"--fast" is not an option of availability-bridge. Run `availability-bridge --help` for the commands'],
  ["toString", '"toString" is not a command'],
  ["--token=secret", '"--token" is not an option'],
])("does not know %s, and exits with 2", async (argument, message) => {
  const { code, reported } = await run(argument);
  expect(code).toBe(2);
  expect(reported).toContain(message);
  expect(reported).not.toContain("secret");
});

test("prints the help of a command, also after other arguments", async () => {
  for (const args of [["--help"], ["https://crm.example.com/", "-h"]]) {
    const { code, printed } = await run("doctor", ...args);
    expect([code, printed]).toEqual([0, expect.stringMatching(/^Usage: availability-bridge doctor <page-url>/)]);
  }
});

test.each([
  [["--colour"], "--colour: expected --"],
  [["--constructor"], "--constructor: expected --"],
  [["-x"], "-x: expected --"],
  [["--browser-path"], "--browser-path: expected a value after it"],
  [["--browser-path", "--json"], "--browser-path: expected a value after it"],
  [["--browser-path="], "--browser-path: expected a value after it"],
  [["--json=yes"], "--json: expected no value"],
  [["--json", "--json"], "--json: expected once"],
])("doctor rejects %j and exits with 2, with the usage", async (args, message) => {
  const { code, printed, reported } = await run("doctor", "http://localhost/", "http://127.0.0.1/widget/", ...args);
  expect([code, printed]).toEqual([2, ""]);
  expect(reported).toContain(message);
  expect(reported).toContain("Usage: availability-bridge doctor <page-url>");
});
