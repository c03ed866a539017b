import type { ChangeRecord, Log, RequestRecord } from "../operations/logging/log.ts";

/** Log with what it has recorded. */
export interface RecordingLog {
  readonly log: Log;
  readonly records: RequestRecord[];
  readonly audits: ChangeRecord[];
  readonly warnings: string[];
}

/** Creates a log that keeps warnings and the records of requests and changes, throws each defect, and ignores all else. */
export function createRecordingLog(): RecordingLog {
  const records: RequestRecord[] = [];
  const audits: ChangeRecord[] = [];
  const warnings: string[] = [];
  const log: Log = {
    line() {},
    warning: (text) => void warnings.push(text),
    error() {},
    request: (record) => void records.push(record),
    audit: (record) => void audits.push(record),
    defect(error) {
      throw error;
    },
    flush: () => Promise.resolve(),
  };
  return { log, records, audits, warnings };
}
