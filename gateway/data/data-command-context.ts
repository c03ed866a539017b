import type { Readable, Writable } from "node:stream";
import type { Settings } from "../settings/settings.ts";
import type { AvailabilityStore, StoreLog } from "../store/availability-store.ts";

/** Parts of the process that a command about data needs. */
export interface DataCommandParts {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly input: Readable & { readonly isTTY?: boolean };
  readonly output: Writable;
  /** Prints a line for the operator, beside the command's output. */
  readonly print: (line: string) => void;
  /** Opens the store of the settings. */
  readonly openStore: (settings: Settings, log: StoreLog) => AvailabilityStore;
  /** Time to wait for the store, in milliseconds. @default 15000 */
  readonly readyMs?: number;
}

/** Context of a running command. */
export interface DataCommandContext extends Omit<DataCommandParts, "environment" | "openStore" | "readyMs"> {
  readonly settings: Settings;
  readonly store: AvailabilityStore;
}

/** The command failed, or was not confirmed. The operator has to act. */
export class DataCommandError extends Error {
  override readonly name = "DataCommandError";
}
