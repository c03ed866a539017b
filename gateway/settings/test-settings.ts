import type { Environment } from "./environment.ts";
import { readSettings, SettingsError } from "./settings.ts";

/** Message to the operator for an environment with bad settings. */
export function messageFor(environment: Environment): string {
  try {
    readSettings(environment);
  } catch (error) {
    if (error instanceof SettingsError) return error.message;
    throw error;
  }
  throw new Error("The settings were accepted");
}
