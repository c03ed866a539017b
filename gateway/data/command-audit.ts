import type { Writable } from "node:stream";
import { createJsonLog } from "../operations/logging/json-log.ts";
import type { CommandAuditRecord } from "../operations/logging/log.ts";
import type { LogLevel } from "../operations/operation-settings.ts";
import { StoreUnavailableError } from "../store/availability-store.ts";
import type { Operator } from "./operator.ts";

/** A change that a command has made, or has failed to make. */
export type CommandChange = Omit<CommandAuditRecord, keyof Operator | "command">;

/** Writes the line about a change. */
export type AuditCommand = (change: CommandChange) => void;

/** Settings of the lines about a command's changes. */
export interface CommandAuditOptions {
  readonly command: CommandAuditRecord["command"];
  readonly operator: Operator;
  readonly level: LogLevel;
  readonly output: Writable;
}

/** Creates the function that writes a line about each change to `output`, as the gateway does about a `PUT`. */
export function createCommandAudit({ command, operator, level, output }: CommandAuditOptions): AuditCommand {
  const destination = { write: (line: string) => void output.write(line), flush: () => Promise.resolve() };
  const log = createJsonLog({ level, destination });
  return ({ customer, userId, ...result }) => log.audit?.({ customer, userId, command, ...operator, ...result });
}

/** Returns the status of a change that has failed, as in the response to a request. */
export function toFailureStatus(error: unknown): number {
  return error instanceof StoreUnavailableError ? 503 : 500;
}
