import { readBuiltFiles } from "./built-files.ts";
import { openCustomers } from "./open-customers.ts";
import { type RunningGateway, serveGateway } from "./serve.ts";
import { readSettings, type Settings } from "./settings.ts";
import type { AvailabilityStore } from "./store/availability-store.ts";
import { createMemoryStore } from "./store/memory-store.ts";
import { createRedisStore } from "./store/redis-store.ts";

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
  const store = openStore(settings, print);
  const { customers, stop } = await openCustomers(settings, store);
  const gateway = await serveGateway(settings, {
    customers,
    files,
    onDefect,
    onRefusal: ({ customer, reason }) => print(`A call to ${customer ?? "no customer"} was refused: ${reason}`),
  });
  print(`Gateway listening on ${gateway.origin}`);
  if (settings.redisUrl) print(`Keeping the availabilities in Redis at ${withoutSecrets(settings.redisUrl)}`);
  const where = settings.redisUrl ? "" : " from memory";
  if (settings.isDemo) print(`Serving sample agents${where}, since no upstream is configured`);
  return {
    origin: gateway.origin,
    async close() {
      await gateway.close();
      await stop();
      await store.close();
    },
  };
}

/** Redis where the settings name one, which need not be reachable yet; otherwise this process's memory. */
function openStore({ redisUrl: url }: Settings, report: (line: string) => void): AvailabilityStore {
  return url ? createRedisStore({ url, report }) : createMemoryStore();
}

/** An address without the user, the password and the query that it may hold. */
function withoutSecrets(address: string): string {
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname}`;
}
