#!/usr/bin/env node
/** Executable of the package: `npx availability-bridge COMMAND`. The build writes `dist/cli.js`. */
import { runCommandLine } from "./run-command-line.ts";

process.exitCode = await runCommandLine(process.argv.slice(2), {
  print: (text) => console.log(text),
  report: (text) => console.error(text),
});
