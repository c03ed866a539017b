#!/usr/bin/env node
/** The gateway's executable. Built, it is `dist/server.js`, beside the widget and the script that it serves. */
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { NotBuiltError } from "./assets/built-files.ts";
import { WidgetDocumentError } from "./assets/widget-document.ts";
import { endOnSignals } from "./operations/lifecycle/end-on-signals.ts";
import { ListenError } from "./operations/lifecycle/listen.ts";
import { SettingsError } from "./settings/settings.ts";
import { startGateway } from "./start.ts";

/** What the operator can put right; everything else is a defect, whose stack is worth printing. */
const OPERATORS_ERRORS = [SettingsError, NotBuiltError, WidgetDocumentError, ListenError];

try {
  const gateway = await startGateway({
    environment: process.env,
    buildDirectory: dirname(fileURLToPath(import.meta.url)),
    print: console.log,
    onDefect: console.error,
  });
  endOnSignals(gateway, process);
} catch (error) {
  if (!OPERATORS_ERRORS.some((type) => error instanceof type)) throw error;
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
