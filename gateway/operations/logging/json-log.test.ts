import { expect, test } from "vitest";
import type { LogLevel } from "../operation-settings.ts";
import { createJsonLog } from "./json-log.ts";

function logInto(level: LogLevel = "info") {
  const lines: string[] = [];
  const log = createJsonLog({
    level,
    destination: { write: (line) => void lines.push(line), flush: () => Promise.resolve() },
  });
  return { log, read: () => lines.map((line): unknown => JSON.parse(line)) };
}

const IDENTITY = { requestId: "r1", traceId: "4bf92f3577b34da6a3ce929d0e0e4736" };
const RECORD = { ...IDENTITY, customer: "acme", method: "GET", route: "/embed.js", status: 200, durationMs: 1.5 };
const TIME: unknown = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

test("writes each event as a line of JSON", () => {
  const { log, read } = logInto();
  log.line("Gateway listening on http://127.0.0.1:4100");
  log.warning("The store is down");
  log.request?.(RECORD);
  expect(read()).toEqual([
    { level: "info", time: TIME, msg: "Gateway listening on http://127.0.0.1:4100" },
    { level: "warn", time: TIME, msg: "The store is down" },
    { level: "info", time: TIME, ...RECORD, msg: "request" },
  ]);
});

const AUDIT = {
  ...IDENTITY,
  customer: "acme",
  subject: 17,
  userId: 17,
  from: "available",
  requested: "do_not_disturb",
  to: "do_not_disturb",
  version: 5,
  status: 200,
  clientKind: "browser",
} as const;

test.each<LogLevel>(["info", "warn", "error"])("writes who has changed an agent at the level %s as well", (level) => {
  const { log, read } = logInto(level);
  log.audit?.(AUDIT);
  expect(read()).toEqual([{ level: "info", time: TIME, ...AUDIT, msg: "audit" }]);
});

test("leaves out what an audit does not know, and writes no audit if the log is silent", () => {
  const { log, read } = logInto();
  log.audit?.({ customer: "acme", subject: "operator", userId: undefined, status: 400, clientKind: "program" });
  expect(read()).toEqual([
    {
      level: "info",
      time: TIME,
      customer: "acme",
      subject: "operator",
      status: 400,
      clientKind: "program",
      msg: "audit",
    },
  ]);
  expect(logInto("silent").log).not.toHaveProperty("audit");
});

test("escapes texts from clients", () => {
  const { log, read } = logInto();
  const record = { ...RECORD, method: 'GET","level":"fatal', customer: "é\n\u2028", aborted: true } as const;
  log.request?.(record);
  expect(read()).toEqual([{ level: "info", time: TIME, ...record, msg: "request" }]);
});

test("writes a request's line in the format of the other lines, key for key", () => {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line), flush: () => Promise.resolve() };
  createJsonLog({ level: "info", destination }).request?.({ ...RECORD, aborted: true });
  const time = /"time":"([^"]*)"/.exec(lines[0] ?? "")?.[1];
  expect(lines).toEqual([`${JSON.stringify({ level: "info", time, ...RECORD, aborted: true, msg: "request" })}\n`]);
});

test("writes a defect's stack and the ids of its request", () => {
  const { log, read } = logInto();
  log.defect(Object.assign(new TypeError("no such thing"), { body: "payload" }), IDENTITY);
  const error = { type: "TypeError", message: "no such thing", stack: expect.stringContaining("json-log.test.ts") };
  expect(read()).toEqual([{ level: "error", time: TIME, ...IDENTITY, error, msg: "defect" }]);
});

test.each([
  ["warn", 2],
  ["error", 1],
  ["silent", 0],
] as const)("omits lines below the level %s", (level, count) => {
  const { log, read } = logInto(level);
  log.line("listening");
  log.request?.(RECORD);
  log.warning("away");
  log.defect(new Error("defect"));
  expect(read()).toHaveLength(count);
});
