import { expect, test } from "vitest";
import { CommandLineError, describeUsage } from "../command-line.ts";
import { DATA_COMMANDS, describeDataCommands, readDataCommand } from "./data-command.ts";

test.each([
  ["erase --customer acme", { kind: "erase", customer: "acme", userIds: undefined, isConfirmed: false }],
  [
    "erase --customer=acme --user 17 --user=18 --yes",
    { kind: "erase", customer: "acme", userIds: [17, 18], isConfirmed: true },
  ],
  ["export --customer acme", { kind: "export", customer: "acme" }],
  ["export --all", { kind: "export", customer: undefined }],
  ["restore --customer acme", { kind: "restore", customer: "acme", isDryRun: false }],
  ["restore --all --dry-run", { kind: "restore", customer: undefined, isDryRun: true }],
])("reads %s", (text, command) => {
  expect(readDataCommand(text.split(" "))).toEqual(command);
});

test.each([[""], ["--check"], ["--help erase"], ["constructor"]])("leaves %j to the options", (text) => {
  expect(readDataCommand(text.split(" "))).toBeUndefined();
  expect(readDataCommand([])).toBeUndefined();
});

test.each([
  ["erase", ["expected --customer with a customer's id"]],
  ["erase --customer", ["--customer needs a value", "expected --customer with a customer's id"]],
  ["erase --customer acme acme", ['"acme" is not an option of erase']],
  ["erase --customer acme --all", ['"--all" is not an option of erase']],
  ["erase --customer acme --customer globex", ["--customer was given twice"]],
  ["erase --customer acme --yes=no", ["--yes takes no value"]],
  [
    "erase --customer ACME --user 017",
    [
      '--customer: "ACME" is not a customer id (1 to 63 lower-case letters, digits and hyphens)',
      '--user: expected a whole number from 1 to 9007199254740991, came "017"',
    ],
  ],
  ["export", ["expected either --customer or --all"]],
  ["export --all --dry-run", ['"--dry-run" is not an option of export']],
  ["restore --all --customer acme", ["expected either --customer or --all"]],
])("rejects %s, with all problems", (text, problems) => {
  const args = text.split(" ");
  const name = args[0] === "erase" || args[0] === "export" ? args[0] : "restore";
  const usage = `Usage: availability-gateway ${DATA_COMMANDS[name].usage}`;
  expect(() => readDataCommand(args)).toThrow(new CommandLineError([...problems, usage].join("\n")));
});

test("has a line in the help for each command", () => {
  const help = describeUsage(describeDataCommands());
  for (const { usage, meaning } of Object.values(DATA_COMMANDS)) expect(help).toContain(`  ${usage}\n      ${meaning}`);
});
