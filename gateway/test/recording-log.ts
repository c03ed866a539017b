import type { Log, RequestRecord } from "../operations/logging/log.ts";

/** Creates a log that keeps the records of requests, throws each defect, and ignores all else. */
export function createRecordingLog(): { readonly log: Log; readonly records: RequestRecord[] } {
  const records: RequestRecord[] = [];
  const log: Log = {
    line() {},
    warning() {},
    error() {},
    request: (record) => void records.push(record),
    defect(error) {
      throw error;
    },
    flush: () => Promise.resolve(),
  };
  return { log, records };
}
