/** Serves the built widget for the tests that run in vitest's browser mode, on another site than theirs. */
import type { TestProject } from "vitest/node";
import { startScriptedBackend } from "./scripted-backend.ts";

declare module "vitest" {
  interface ProvidedContext {
    /** Where the widget is served, with agent 123 available behind it. */
    readonly widgetOrigin: string;
    /** The port of the tests' own page. */
    readonly testPagePort: number;
  }
}

export default async function setup({ provide, config }: TestProject): Promise<() => Promise<void>> {
  const backend = await startScriptedBackend({
    answers: { status: 200, body: { userId: 123, status: "available", version: 7 } },
    allowedOrigins: [`http://localhost:${config.provide.testPagePort}`],
  });
  provide("widgetOrigin", backend.origin);
  return () => backend.close();
}
