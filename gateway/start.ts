import { readBuiltFiles } from "./built-files.ts";
import { openCustomers } from "./open-customers.ts";
import { type RunningGateway, serveGateway } from "./serve.ts";
import { readSettings } from "./settings.ts";
import { createMemoryStore } from "./store/memory-store.ts";

/** What starting a gateway needs of the process that it runs in. */
export interface StartOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The build's directory, which holds `widget/` and `embed.js`. */
  readonly buildDirectory: string;
  /** Tells the operator one line. */
  readonly print: (line: string) => void;
  readonly onDefect: (error: unknown) => void;
}

/**
 * Starts the gateway that the environment describes, and says where it listens and what it serves.
 *
 * @throws {SettingsError} for bad settings.
 * @throws {NotBuiltError} where the build has not run.
 * @throws {WidgetDocumentError} where the built document has no place for the widget's settings.
 * @throws {ListenError} where it cannot listen.
 */
export async function startGateway(options: StartOptions): Promise<RunningGateway> {
  const { environment, buildDirectory, print, onDefect } = options;
  const settings = readSettings(environment);
  const files = await readBuiltFiles(buildDirectory);
  const store = createMemoryStore();
  const { customers, stop } = await openCustomers(settings, store);
  const gateway = await serveGateway(settings, {
    customers,
    files,
    onDefect,
    onRefusal: ({ customer, reason }) => print(`A call to ${customer ?? "no customer"} was refused: ${reason}`),
  });
  print(`Gateway listening on ${gateway.origin}`);
  if (settings.isDemo) print("Serving sample agents from memory, since no upstream is configured");
  return {
    origin: gateway.origin,
    async close() {
      await gateway.close();
      await stop();
      await store.close();
    },
  };
}
