import type { Readable, Writable } from "node:stream";
import type { AvailabilityStore, StoreLog } from "../store/availability-store.ts";
import type { AuditCommand } from "./command-audit.ts";
import type { DataSettings } from "./data-settings.ts";
import type { Operator } from "./operator.ts";

/** Parts of the process that a command about data needs. */
export interface DataCommandParts {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly input: Readable & { readonly isTTY?: boolean };
  /** Receives the exported file, or the audit lines of changes. */
  readonly output: Writable;
  /** The person at the command line, for the audit lines. */
  readonly operator: Operator;
  /** Prints a line for the operator, beside the command's output. */
  readonly print: (line: string) => void;
  /** Opens the store of the settings. */
  readonly openStore: (settings: DataSettings, log: StoreLog) => AvailabilityStore;
  /** Time to wait for the store, in milliseconds. @default 15000 */
  readonly readyMs?: number;
}

/** Context of a running command. */
export interface DataCommandContext
  extends Omit<DataCommandParts, "environment" | "operator" | "openStore" | "readyMs"> {
  readonly settings: DataSettings;
  readonly store: AvailabilityStore;
}

/** Context of a running command that changes data. */
export interface ChangingCommandContext extends DataCommandContext {
  readonly audit: AuditCommand;
}

/** The command failed, or was not confirmed. The operator has to act. */
export class DataCommandError extends Error {
  override readonly name = "DataCommandError";
}
