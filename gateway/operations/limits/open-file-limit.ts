import * as v from "valibot";

const Report = v.object({ userLimits: v.object({ open_files: v.object({ soft: v.number() }) }) });

/**
 * Reads how many files and connections this process may have open, from a diagnostic report of Node. `undefined` if the
 * system has no such limit.
 */
export function readOpenFileLimit(report: unknown = process.report.getReport()): number | undefined {
  const read = v.safeParse(Report, report);
  return read.success ? read.output.userLimits.open_files.soft : undefined;
}

/** Describes a limit of open files that MAX_CONNECTIONS exceeds, for the operator. `undefined` if there is none. */
export function describeOpenFileLimit(limit: number | undefined, maxConnections: number): string | undefined {
  if (limit === undefined || limit > maxConnections) return undefined;
  return (
    `The system allows this process ${limit} open files, and each connection is one: ` +
    `connections will fail before MAX_CONNECTIONS=${maxConnections}. Raise the limit (ulimit -n, LimitNOFILE) or lower MAX_CONNECTIONS`
  );
}
