import type { Log } from "../operations/logging/log.ts";
import { type Settings, SettingsError } from "../settings/settings.ts";
import { type CustomerChanges, describeCustomerChanges } from "./customer-changes.ts";

/** Outcome of a reload. A rejected reload changes no setting. */
export type ReloadOutcome = "reloaded" | "rejected";

/** Callbacks for the stages of a reload, such as to notify a supervisor. */
export interface ReloadObserver {
  onReloading(): void;
  onReloaded(outcome: ReloadOutcome): void;
}

export interface ReloadOptions {
  /** Settings of the running gateway. */
  readonly settings: Settings;
  /** Reads the settings again. @throws {SettingsError} if any is bad. */
  readonly read: () => Settings;
  /** Applies the changeable settings to the running gateway. */
  readonly apply: (settings: Settings) => CustomerChanges;
  /** @default none */
  readonly observer?: ReloadObserver | undefined;
  readonly log: Pick<Log, "line" | "warning" | "error" | "defect">;
}

/**
 * Creates the function that reads the settings again and applies them. Bad settings are rejected as a whole, and each
 * problem is logged. The function never throws.
 */
export function createReload({ settings, read, apply, observer, log }: ReloadOptions): () => ReloadOutcome {
  let current = settings;

  function reload(): ReloadOutcome {
    const next = readOrLog(read, log);
    if (!next) return "rejected";
    for (const name of findRestartVariables(current, next)) {
      log.warning(`${name} has changed: the gateway goes on with the former value until it is restarted`);
    }
    for (const warning of next.warnings) if (!current.warnings.includes(warning)) log.warning(warning);
    const changes = apply(next);
    current = next;
    log.line(`Settings reloaded: ${describeCustomerChanges(changes).join("; ")}`);
    return "reloaded";
  }

  return () => {
    observer?.onReloading();
    let outcome: ReloadOutcome = "rejected";
    try {
      outcome = reload();
    } catch (error) {
      log.defect(error);
    }
    observer?.onReloaded(outcome);
    return outcome;
  };
}

function readOrLog(read: () => Settings, log: Pick<Log, "error">): Settings | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    for (const problem of error.message.split("\n")) log.error(`Reload rejected: ${problem}`);
    log.error("Reload rejected: the gateway goes on with the settings that it has");
    return undefined;
  }
}

/** Names the changed variables without effect on a running gateway. */
function findRestartVariables(before: Settings, after: Settings): readonly string[] {
  return Object.entries(after.variables).flatMap(([name, { text, isReloadable }]) =>
    !isReloadable && before.variables[name]?.text !== text ? [name] : [],
  );
}
