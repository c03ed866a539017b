import { expect, test } from "vitest";
import { CommandLineError, describeUsage, readCommand } from "./command-line.ts";
import { VARIABLES } from "./settings/settings.ts";

test.each([
  [[], "start"],
  [["--check"], "check"],
  [["--print-config"], "print-config"],
  [["--check-token"], "check-token"],
  [["--print-config", "--check-token"], "check-token"],
  [["--print-config", "--check-token", "--check"], "check"],
  [["--help"], "help"],
  [["-h"], "help"],
  [["--version"], "version"],
  [["-v"], "version"],
  [["--check", "--help"], "help"],
])("reads %j as %s", (args, command) => {
  expect(readCommand(args)).toBe(command);
});

test.each([
  [
    ["--port", "9"],
    '"--port" is not an option. Usage: availability-gateway [--check | --check-token | --print-config | --help | --version]',
  ],
  [["--chekc"], '"--chekc" is not an option.'],
  [["-x"], '"-x" is not an option.'],
  [["start"], '"start" is not an option.'],
  [["--", "--check"], '"--check" is not an option.'],
  [["--constructor"], '"--constructor" is not an option.'],
  [["--no-check"], '"--no-check" is not an option.'],
  [["--check=no"], "--check takes no value."],
  [["--check-token=eyJ"], "--check-token takes no value."],
  [["--check-token", "eyJ"], "--check-token takes no value: it reads the token from standard input."],
])("rejects %j", (args, message) => {
  expect(() => readCommand(args)).toThrow(CommandLineError);
  expect(() => readCommand(args)).toThrow(message);
});

test("lists each option and each variable with its default", () => {
  const usage = describeUsage();
  for (const option of ["--check", "--check-token", "--print-config", "--help, -h", "--version, -v"])
    expect(usage).toContain(`\n  ${option} `);
  for (const { name, defaultText } of VARIABLES) {
    const [, line = ""] = new RegExp(`^  ${name}=.*\\n +(.*)$`, "m").exec(usage) ?? [];
    expect(line).not.toBe("");
    expect(/\(default: (.*)\)$/.exec(line)?.[1]).toBe(defaultText);
  }
});
