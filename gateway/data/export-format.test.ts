import fc from "fast-check";
import { expect, test } from "vitest";
import { AVAILABILITY_STATUSES } from "../../shared/contracts/availability.ts";
import { type ExportedAgent, ExportFileError, formatExport, parseExport } from "./export-format.ts";

const TIME = "2026-01-31T12:00:00.000Z";
const HEADER = `{"format":"availability-gateway-export","version":1,"exportedAt":"${TIME}"}`;
const AGENT = `{"customer":"acme","userId":17,"status":"available","version":3,"updatedAt":"${TIME}"}`;

/** Returns the problems of a file. */
function problemsOf(...lines: readonly string[]): readonly string[] {
  try {
    parseExport(lines.join("\n"));
  } catch (error) {
    if (error instanceof ExportFileError) return error.message.split("\n");
    throw error;
  }
  return [];
}

const time = fc.integer({ min: 0, max: 4_000_000_000_000 }).map((ms) => new Date(ms).toISOString());
const agents = fc.uniqueArray(
  fc.record<ExportedAgent>(
    {
      customer: fc.constantFrom("acme", "globex"),
      userId: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
      status: fc.constantFrom(...AVAILABILITY_STATUSES),
      version: fc.maxSafeNat(),
      updatedAt: time,
      wrapUp: fc.record({ configuredSeconds: fc.maxSafeNat(), endsAt: time }),
    },
    { requiredKeys: ["customer", "userId", "status", "version", "updatedAt"] },
  ),
  { selector: ({ customer, userId }) => `${customer} ${userId}` },
);

test("reads what it writes, with a line feed at the end or without", () => {
  fc.assert(
    fc.property(agents, fc.constantFrom("", "\n"), (written, end) => {
      expect(parseExport([...formatExport(written, 0)].join("\n") + end)).toEqual(written);
    }),
  );
});

test.each([
  ["an empty file", [""], ["line 1: expected the first line of an export, came an empty file"]],
  [
    "another format",
    ['{"format":"csv"}'],
    [
      'line 1: format: expected "availability-gateway-export", came "csv"',
      "line 1: version: expected a value, came nothing",
      "line 1: exportedAt: expected a value, came nothing",
    ],
  ],
  ["a later version", [HEADER.replace('"version":1', '"version":2'), AGENT], ["line 1: version: expected 1, came 2"]],
  ["no JSON", [HEADER, '{"customer":acme}', '{"agents":1}'], ["line 2: column 13: expected a value"]],
  ["no object", [HEADER, "7", '{"agents":1}'], ["line 2: the line: expected an object, came 7"]],
  [
    "a wrong value in two lines",
    [HEADER, AGENT.replace("17", '"17"'), AGENT.replace('"acme"', '"ACME"'), '{"agents":2}'],
    [
      'line 2: userId: expected a whole number from 1 to 9007199254740991, came "17"',
      'line 3: customer: expected a customer\'s id of 1 to 63 lower-case letters, digits and hyphens, came "ACME"',
    ],
  ],
  [
    "a wrong time",
    [HEADER, AGENT.replace(TIME, "today"), '{"agents":1}'],
    ['line 2: updatedAt: expected a time such as 2026-01-31T12:00:00.000Z, came "today"'],
  ],
  [
    "an unknown field",
    [HEADER, AGENT.replace("}", ',"name":"A"}'), '{"agents":1}'],
    ["line 2: name: expected no such field"],
  ],
  [
    "a user twice",
    [HEADER, AGENT, AGENT, '{"agents":2}'],
    ["line 3: userId: expected each user of a customer once, came 17, which is in line 2 too"],
  ],
  [
    "another number of agents",
    [HEADER, AGENT, '{"agents":2}'],
    ["line 3: agents: expected the number of lines with an agent, 1, came 2"],
  ],
  [
    "a cut between lines",
    [HEADER, AGENT],
    ['line 2: expected the last line of an export, {"agents":0}: the file is cut off'],
  ],
  [
    "a cut within a line",
    [HEADER, AGENT, AGENT.slice(0, 40)],
    ['line 3: expected the last line of an export, {"agents":1}: the file is cut off'],
  ],
  ["a header alone", [HEADER], ['line 1: expected the last line of an export, {"agents":0}: the file is cut off']],
])("rejects %s", (_, lines, problems) => {
  expect(problemsOf(...lines)).toEqual(problems);
});

test("shows the first 20 problems", () => {
  const lines = Array.from({ length: 25 }, () => "7");
  const problems = problemsOf(HEADER, ...lines, '{"agents":25}');
  expect(problems).toHaveLength(21);
  expect(problems.at(-1)).toBe("and 5 more problems");
});
