import * as v from "valibot";
import { AVAILABILITY_STATUSES, UserId } from "../../shared/contracts/availability.ts";
import { USER_ID } from "../http/routes/user-id.ts";
import { CustomerId } from "../settings/customer-settings.ts";
import { findJsonError } from "../settings/json-error.ts";

/** Name of the format, in the first line of each file. */
export const EXPORT_FORMAT = "availability-gateway-export";
/** Version of the format. A program reads files of its own version alone. */
export const EXPORT_VERSION = 1;

const Time = v.pipe(
  v.string("expected a time such as 2026-01-31T12:00:00.000Z"),
  v.isoTimestamp("expected a time such as 2026-01-31T12:00:00.000Z"),
);
const SECONDS = "expected whole seconds of at least 0";
const COUNT = "expected a whole number of at least 0";

/** First line of a file. */
export const ExportHeader = v.strictObject({
  format: v.literal(EXPORT_FORMAT, `expected ${JSON.stringify(EXPORT_FORMAT)}`),
  version: v.literal(EXPORT_VERSION, `expected ${EXPORT_VERSION}`),
  exportedAt: Time,
});

/** Line of an agent. */
export const ExportedAgent = v.strictObject({
  customer: v.custom<string>(
    (value) => v.is(CustomerId, value),
    "expected a customer's id of 1 to 63 lower-case letters, digits and hyphens",
  ),
  userId: v.custom<number>((value) => v.is(UserId, value), `expected ${USER_ID}`),
  status: v.picklist(AVAILABILITY_STATUSES, `expected one of ${AVAILABILITY_STATUSES.join(", ")}`),
  /** Version that the agent had. A restored agent gets a new one. */
  version: v.pipe(v.number(COUNT), v.safeInteger(COUNT), v.minValue(0, COUNT)),
  /** Time of the agent's last change. */
  updatedAt: Time,
  /** Absent if the agent has no wrap-up time configured. */
  wrapUp: v.exactOptional(
    v.strictObject({
      configuredSeconds: v.pipe(v.number(SECONDS), v.safeInteger(SECONDS), v.minValue(0, SECONDS)),
      /** End of the running or last wrap-up time. */
      endsAt: Time,
    }),
  ),
});
export type ExportedAgent = v.InferOutput<typeof ExportedAgent>;

/** Last line of a file. A file without it is cut off. */
export const ExportFooter = v.strictObject({
  /** Number of lines with an agent. */
  agents: v.pipe(v.number(COUNT), v.safeInteger(COUNT), v.minValue(0, COUNT)),
});

/** The file cannot be restored. Nothing was changed. The message has one line for each problem. */
export class ExportFileError extends Error {
  override readonly name = "ExportFileError";
}

const SHOWN_PROBLEMS = 20;

/** Formats the lines of a file, without line feeds. */
export function* formatExport(agents: Iterable<ExportedAgent>, exportedAtMs: number): Generator<string> {
  yield JSON.stringify({
    format: EXPORT_FORMAT,
    version: EXPORT_VERSION,
    exportedAt: new Date(exportedAtMs).toISOString(),
  } satisfies v.InferInput<typeof ExportHeader>);
  let count = 0;
  for (const agent of agents) {
    count += 1;
    yield JSON.stringify(agent);
  }
  yield JSON.stringify({ agents: count } satisfies v.InferInput<typeof ExportFooter>);
}

/**
 * Parses a file.
 *
 * @throws {ExportFileError} with each problem's line, field, expectation and value.
 */
export function parseExport(text: string): readonly ExportedAgent[] {
  const lines = text.split("\n");
  // The last line ends with a line feed.
  if (lines.at(-1) === "") lines.pop();
  const problems: string[] = [];
  const parse = <Schema extends v.GenericSchema>(schema: Schema, index: number): v.InferOutput<Schema> | undefined => {
    return parseLine(schema, lines[index] ?? "", (problem) => problems.push(`line ${index + 1}: ${problem}`));
  };
  if (lines.length === 0) throw new ExportFileError("line 1: expected the first line of an export, came an empty file");
  parse(ExportHeader, 0);
  // Without a header, the file is something else, and each further line would be a problem.
  if (problems.length > 0) throw toError(problems);
  const last = lines.length - 1;
  const agents: ExportedAgent[] = [];
  const seen = new Map<string, number>();
  for (let index = 1; index < last; index += 1) {
    const agent = parse(ExportedAgent, index);
    if (!agent) continue;
    agents.push(agent);
    const key = `${agent.customer} ${agent.userId}`;
    const former = seen.get(key);
    if (former !== undefined) {
      problems.push(
        `line ${index + 1}: userId: expected each user of a customer once, came ${agent.userId}, which is in line ${former} too`,
      );
    }
    seen.set(key, index + 1);
  }
  checkFooter(lines[last] ?? "", last, problems);
  if (problems.length > 0) throw toError(problems);
  return agents;
}

function checkFooter(line: string, last: number, problems: string[]): void {
  const at = `line ${last + 1}`;
  const footer = v.safeParse(ExportFooter, tryParse(line));
  const count = last - 1;
  if (last === 0 || !footer.success) {
    problems.push(`${at}: expected the last line of an export, {"agents":${Math.max(0, count)}}: the file is cut off`);
  } else if (footer.output.agents !== count) {
    problems.push(`${at}: agents: expected the number of lines with an agent, ${count}, came ${footer.output.agents}`);
  }
}

function tryParse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function parseLine<Schema extends v.GenericSchema>(
  schema: Schema,
  line: string,
  report: (problem: string) => void,
): v.InferOutput<Schema> | undefined {
  const error = findJsonError(line);
  if (error) {
    report(`column ${error.column}: expected ${error.expected}`);
    return undefined;
  }
  const read = v.safeParse(schema, JSON.parse(line));
  if (read.success) return read.output;
  for (const issue of read.issues) report(describeIssue(issue));
  return undefined;
}

function describeIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? "the line";
  if (issue.type !== "strict_object") {
    return `${path}: ${issue.message}, came ${describeValue(issue.input)}`;
  }
  if (issue.expected === "never") return `${path}: expected no such field`;
  return issue.received === "undefined"
    ? `${path}: expected a value, came nothing`
    : `${path}: expected an object, came ${describeValue(issue.input)}`;
}

/** Shortens a value of the file for a message. */
function describeValue(value: unknown): string {
  const text = JSON.stringify(value) ?? "nothing";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

function toError(problems: readonly string[]): ExportFileError {
  const rest = problems.length - SHOWN_PROBLEMS;
  const more = rest > 0 ? [`and ${rest} more problems`] : [];
  return new ExportFileError([...problems.slice(0, SHOWN_PROBLEMS), ...more].join("\n"));
}
