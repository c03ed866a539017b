#!/usr/bin/env node
/** Executable of the gateway. The build writes `dist/server.js` beside the widget and the loader script. */
import { dirname } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { NotBuiltError } from "./assets/built-files.ts";
import { WidgetDocumentError } from "./assets/widget-document.ts";
import { checkToken, TokenCheckError } from "./auth/check-token.ts";
import { type Command, CommandLineError, describeUsage, readCommand } from "./command-line.ts";
import { type DataCommand, describeDataCommands, readDataCommand } from "./data/data-command.ts";
import { DataCommandError } from "./data/data-command-context.ts";
import { ExportFileError } from "./data/export-format.ts";
import { readOperator } from "./data/operator.ts";
import { runDataCommand } from "./data/run-data-command.ts";
import { createEgressFetch } from "./egress/egress-fetch.ts";
import { ListenError } from "./operations/lifecycle/listen.ts";
import { createServiceManager } from "./operations/lifecycle/service-manager.ts";
import { shutDownOnSignals } from "./operations/lifecycle/shutdown-signals.ts";
import { holdHangups } from "./reload/reload-on-signal.ts";
import { printSettings } from "./settings/print-settings.ts";
import { readSettings, SettingsError } from "./settings/settings.ts";
import { summarizeSettings } from "./settings/summary.ts";
import { openStore, startGateway } from "./start.ts";
import { VERSION } from "./version.ts";

/** Errors for the operator to correct. Further errors are defects, and their stacks are printed. */
const OPERATOR_ERRORS = [
  CommandLineError,
  SettingsError,
  NotBuiltError,
  WidgetDocumentError,
  ListenError,
  DataCommandError,
  ExportFileError,
  TokenCheckError,
];

// Not awaited here: the file of the traces, which is loaded at the start, imports from this one and would wait for its end.
void main();

async function main(): Promise<void> {
  try {
    const args = process.argv.slice(2);
    const dataCommand = readDataCommand(args);
    if (dataCommand) await runData(dataCommand);
    else await run(readCommand(args));
  } catch (error) {
    if (!OPERATOR_ERRORS.some((type) => error instanceof type)) throw error;
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = error instanceof CommandLineError ? 2 : 1;
  }
}

async function run(command: Command): Promise<void> {
  switch (command) {
    case "help":
      console.log(describeUsage(describeDataCommands()));
      break;
    case "version":
      console.log(`availability-gateway ${VERSION}`);
      break;
    case "check":
      console.log(summarizeSettings(readSettings(process.env)));
      break;
    case "check-token":
      console.log(await runTokenCheck());
      break;
    case "print-config":
      console.log(printSettings(readSettings(process.env)));
      break;
    case "start":
      await start();
  }
}

/** Checks the token on standard input, by the settings of a gateway. */
async function runTokenCheck(): Promise<string> {
  const { customers, egressProxies } = readSettings(process.env);
  return checkToken(await text(process.stdin), customers, { fetch: await createEgressFetch(egressProxies) });
}

/** Runs a command about the data of running gateways. */
function runData(command: DataCommand): Promise<void> {
  return runDataCommand(command, {
    environment: process.env,
    input: process.stdin,
    output: process.stdout,
    operator: readOperator(process.env),
    print: console.error,
    openStore,
  });
}

async function start(): Promise<void> {
  const hangups = holdHangups(process);
  const manager = createServiceManager({ environment: process.env, print: console.error });
  const gateway = await startGateway({
    environment: process.env,
    buildDirectory: dirname(fileURLToPath(import.meta.url)),
    print: console.log,
    onDefect: console.error,
    reloadObserver: { onReloading: manager.reloading, onReloaded: manager.ready },
  });
  const close = () => {
    manager.stopping();
    return gateway.close();
  };
  shutDownOnSignals({ log: gateway.log, close }, process);
  // A demo has nothing to reload, and ends with its terminal as other programs do.
  if (gateway.isPureDemo) hangups.release();
  else hangups.reload(gateway);
  manager.ready();
}
