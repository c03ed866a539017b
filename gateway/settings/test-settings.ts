import type { Environment } from "./config-file.ts";
import { readSettings, SettingsError } from "./settings.ts";

/** What the operator is told of an environment that the gateway cannot start with. */
export function messageFor(environment: Environment): string {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error("These settings were taken");
}
