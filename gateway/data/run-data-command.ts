import { type AvailabilityStore, StoreUnavailableError } from "../store/availability-store.ts";
import { createCommandAudit } from "./command-audit.ts";
import type { DataCommand } from "./data-command.ts";
import { type DataCommandContext, DataCommandError, type DataCommandParts } from "./data-command-context.ts";
import { readDataSettings } from "./data-settings.ts";
import { eraseData } from "./erase-data.ts";
import { exportData } from "./export-data.ts";
import { restoreData } from "./restore-data.ts";

const READY_MS = 15_000;

/**
 * Runs a command about data over the store of the running gateways.
 *
 * @throws {DataCommandError} if the command could not be done, or not whole.
 * @throws {ExportFileError} if the input is no valid export.
 * @throws {SettingsError} for bad settings.
 */
export async function runDataCommand(command: DataCommand, parts: DataCommandParts): Promise<void> {
  const settings = readDataSettings(parts.environment);
  if (settings.redis === undefined) {
    throw new DataCommandError(
      `REDIS_URL: expected the Redis of the running gateways, came nothing: ${command.kind} has no access to the memory of another process`,
    );
  }
  const store = parts.openStore(settings, { line: () => {}, warning: parts.print });
  // A store in a cluster connects to the shards of customers in use.
  const { customer } = command;
  for (const id of customer === undefined ? settings.customers.map((each) => each.id) : [customer])
    store.forCustomer(id);
  try {
    await waitForStore(store, parts.readyMs ?? READY_MS);
    await run(command, { ...parts, settings, store });
  } catch (error) {
    if (!(error instanceof StoreUnavailableError)) throw error;
    throw new DataCommandError(`${error.message}. Repeat the command: it can be repeated at any time`, {
      cause: error,
    });
  } finally {
    await store.close();
  }
}

async function run(command: DataCommand, context: DataCommandContext & Pick<DataCommandParts, "operator">) {
  if (command.kind === "export") return exportData(command, context);
  const { operator, output, settings } = context;
  const audit = createCommandAudit({ command: command.kind, operator, level: settings.operation.logLevel, output });
  switch (command.kind) {
    case "erase":
      return eraseData(command, { ...context, audit });
    case "restore":
      return restoreData(command, { ...context, audit });
  }
}

async function waitForStore(store: AvailabilityStore, limitMs: number): Promise<void> {
  const limit = AbortSignal.timeout(limitMs);
  try {
    await store.whenReady(limit);
  } catch (error) {
    if (!limit.aborted) throw error;
    throw new DataCommandError(`Redis did not accept writes within ${limitMs / 1000} s. Nothing was done`);
  }
}
