#!/usr/bin/env node
/** Executable of the gateway. The build writes `dist/server.js` beside the widget and the loader script. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { NotBuiltError } from "./assets/built-files.ts";
import { WidgetDocumentError } from "./assets/widget-document.ts";
import { CommandLineError, describeUsage, readCommand } from "./command-line.ts";
import { ListenError } from "./operations/lifecycle/listen.ts";
import { createServiceManager, type ServiceManager } from "./operations/lifecycle/service-manager.ts";
import { shutDownOnSignals } from "./operations/lifecycle/shutdown-signals.ts";
import { readSettings, SettingsError } from "./settings/settings.ts";
import { summarizeSettings } from "./settings/summary.ts";
import { type StartedGateway, startGateway } from "./start.ts";
import { VERSION } from "./version.ts";

/** Errors for the operator to correct. Further errors are defects, and their stacks are printed. */
const OPERATOR_ERRORS = [CommandLineError, SettingsError, NotBuiltError, WidgetDocumentError, ListenError];

try {
  switch (readCommand(process.argv.slice(2))) {
    case "help":
      console.log(describeUsage());
      break;
    case "version":
      console.log(`availability-gateway ${VERSION}`);
      break;
    case "check":
      console.log(summarizeSettings(readSettings(process.env)));
      break;
    case "start":
      await start();
  }
} catch (error) {
  if (!OPERATOR_ERRORS.some((type) => error instanceof type)) throw error;
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof CommandLineError ? 2 : 1;
}

async function start(): Promise<void> {
  const gateway = await startGateway({
    environment: process.env,
    buildDirectory: dirname(fileURLToPath(import.meta.url)),
    print: console.log,
    onDefect: console.error,
  });
  const manager = createServiceManager({ environment: process.env, log: gateway.log });
  shutDownOnSignals({ log: gateway.log, close: () => stop(gateway, manager) }, process);
  manager.ready();
}

function stop(gateway: StartedGateway, manager: ServiceManager): Promise<void> {
  manager.stopping();
  return gateway.close();
}
