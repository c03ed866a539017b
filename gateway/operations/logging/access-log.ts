import type { RequestRecord } from "./log.ts";

/** Writes the log line of a request, at a time that is already formatted. */
export type AccessLogWriter = (time: string, record: RequestRecord) => string;

/**
 * Creates a writer of lines in pino's format. A request's line has a fixed shape: direct formatting takes 0.9 µs, and pino
 * 2.5 µs, without which a read would miss the speed that docs/benchmarks.md promises.
 */
export function createAccessLogWriter(level: string): AccessLogWriter {
  const start = `{"level":${JSON.stringify(level)},"time":"`;
  const writeSubject = createSubjectWriter();
  return (time, record) => {
    const { requestId, traceId, status, durationMs, aborted } = record;
    // The ids contain no characters that JSON would escape.
    const ids = `","requestId":"${requestId}","traceId":"${traceId}"`;
    const end = aborted ? ',"aborted":true,"msg":"request"}\n' : ',"msg":"request"}\n';
    return `${start}${time}${ids}${writeSubject(record)},"status":${status},"durationMs":${durationMs}${end}`;
  };
}

type Subject = Pick<RequestRecord, "customer" | "method" | "route">;

/** Creates a writer of customer, method and route, which mostly equal the previous line's. */
function createSubjectWriter(): (subject: Subject) => string {
  let last: Subject | undefined;
  let written = "";
  return (subject) => {
    const { customer, method, route } = subject;
    if (last?.customer !== customer || last?.method !== method || last?.route !== route) {
      last = { ...(customer !== undefined && { customer }), method, route };
      written = `,${JSON.stringify(last).slice(1, -1)}`;
    }
    return written;
  };
}
