import { readBuiltFiles } from "./assets/built-files.ts";
import { startRetention } from "./data/retention.ts";
import { type Closable, createDrain } from "./operations/lifecycle/drain.ts";
import { createReadiness } from "./operations/lifecycle/readiness.ts";
import { describeOpenFileLimit, readOpenFileLimit } from "./operations/limits/open-file-limit.ts";
import { createRateLimits } from "./operations/limits/rate-limits.ts";
import { createJsonLog, type LogDestination, openStandardOutput } from "./operations/logging/json-log.ts";
import type { Log } from "./operations/logging/log.ts";
import { createPlainLog } from "./operations/logging/plain-log.ts";
import { createRejectionLog } from "./operations/logging/rejection-log.ts";
import { createMetrics } from "./operations/metrics/metrics.ts";
import type { Observability } from "./operations/observability.ts";
import { observeCallsWith } from "./operations/observe-calls.ts";
import type { OpenTracingOptions } from "./operations/tracing/open-tracing.ts";
import type { Tracing } from "./operations/tracing/tracing.ts";
import { createReload, type ReloadObserver, type ReloadOutcome } from "./reload/reload.ts";
import { type RunningGateway, serveAdmin, serveGateway } from "./serve.ts";
import type { CustomerLimits } from "./settings/customer-settings.ts";
import { readSettings, type Settings } from "./settings/settings.ts";
import { describeOrigins, describeRedis } from "./settings/summary.ts";
import { startCustomers } from "./start-customers.ts";
import type { AvailabilityStore, StoreLog } from "./store/availability-store.ts";
import { createMemoryStore } from "./store/memory-store.ts";
import { createRedisStore } from "./store/redis-store.ts";
import { type StoreObserver, unobservedStore } from "./store/store-observer.ts";
import { createStreamHub } from "./stream/stream-hub.ts";
import { VERSION } from "./version.ts";

/** Parts of the process that a gateway needs. */
export interface StartOptions {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** The build's directory, with `widget/` and `embed.js` in it. */
  readonly buildDirectory: string;
  /** Prints one line for the operator, if no customers are configured. */
  readonly print: (line: string) => void;
  /** Prints a defect for the operator, if no customers are configured. */
  readonly onDefect: (error: unknown) => void;
  /** Destination of the log if customers are configured. @default the process's standard output */
  readonly logDestination?: LogDestination;
  /** Number of files and connections that the process may have open. @default the system's limit, if it has one */
  readonly openFileLimit?: number;
  /** Called before and after each reload of the settings. @default none */
  readonly reloadObserver?: ReloadObserver;
}

/** A started gateway. */
export interface StartedGateway extends RunningGateway {
  /** Origin of the operator's side; `undefined` if the settings have no port for the operator. */
  readonly adminOrigin: string | undefined;
  readonly log: Log;
  /** True if nothing is configured: the gateway serves sample agents, and has no settings that a reload could change. */
  readonly isPureDemo: boolean;
  /**
   * Reads the customers' file and the files of secrets again, and serves by them from then on. Bad settings are logged and
   * change nothing. Open streams of unchanged customers go on. Never throws.
   */
  reload(): ReloadOutcome;
}

/**
 * Starts the gateway with the settings of the environment, and logs its origin, its store and the allowed origins.
 *
 * @throws {SettingsError} for bad settings.
 * @throws {NotBuiltError} if the built widget or loader script is missing.
 * @throws {WidgetDocumentError} if the built document has no place for the widget's settings.
 * @throws {ListenError} if the server cannot listen.
 */
export async function startGateway(options: StartOptions): Promise<StartedGateway> {
  const settings = readSettings(options.environment);
  // Read before there is a connection: the report lists open connections with the names of their hosts.
  const openFileLimit = options.openFileLimit ?? (settings.isDemo ? undefined : readOpenFileLimit());
  const files = await readBuiltFiles(options.buildDirectory);
  const observability = await createObservability(settings, options, {
    isStoreReady: () => store.isReady(),
    replicaSize: () => store.replicaSize(),
    historySize: () => store.historySize(),
    customers: () => health(),
  });
  const { log, metrics, readiness, tracing } = observability;
  const observe = observeCallsWith(observability);
  const store = openStore(settings, log, { ...metrics, observe });
  const started = await startCustomers(settings, store, { log, observe, onVerified: metrics.onVerified });
  const { customers, health, loadKeySets, reload: reloadCustomers, stop } = started;
  const streams = createStreamHub({ observer: metrics, onDefect: log.defect });
  const logRejection = createRejectionLog({ log });
  const customerIds = () => Array.from(customers.all(), ({ id }) => id);
  const retention = startRetention({ store, customerIds, log });
  const stopUpstreams = async () => {
    await retention.stop();
    await stop();
  };
  const closables: Closable[] = [
    { name: "Upstreams", close: stopUpstreams },
    { name: "Store", close: store.close },
    // After everything that has spans.
    ...(tracing ? [{ name: "Traces", close: tracing.close }] : []),
  ];
  try {
    const gateway = await serveGateway(settings, {
      customers,
      files,
      scriptMaxAgeSeconds: settings.scriptMaxAgeSeconds,
      onDefect: log.defect,
      onUnauthorized(call) {
        metrics.onUnauthorized(call.customer, call.kind);
        logRejection(call);
      },
      streams,
      observability,
    });
    closables.unshift({ name: "Connections", close: gateway.close });
    const admin = await serveAdmin(settings, { ...observability, onDefect: log.defect });
    // Last, so that the operator sees the other parts close.
    if (admin) closables.push({ name: "Metrics", close: admin.close });
    // Log the origin first: programs that start a gateway read the first line.
    log.line(`Gateway listening on ${gateway.origin} (availability-gateway ${VERSION})`);
    if (admin) log.line(`Metrics and health for the operator on ${admin.origin}`);
    logSettings(settings, log, openFileLimit);
    loadKeySets();
    const delayMs = settings.operation.drainDelaySeconds * 1000;
    const close = createDrain({ readiness, log, delayMs, closables, countStreams: streams.count });
    const reload = createReload({
      settings,
      read: () => readSettings(options.environment),
      apply(next) {
        const changes = reloadCustomers(next);
        observability.rateLimits.setLimits(limitsOf(next));
        streams.closeForbidden();
        if (next.tls) gateway.setCertificate(next.tls);
        return changes;
      },
      observer: {
        onReloading: () => options.reloadObserver?.onReloading(),
        onReloaded(outcome) {
          metrics.onReloaded(outcome);
          options.reloadObserver?.onReloaded(outcome);
        },
      },
      log,
    });
    const isPureDemo = settings.anonymousReads;
    return { origin: gateway.origin, adminOrigin: admin?.origin, log, isPureDemo, reload, close };
  } catch (error) {
    // An open part would keep the process running.
    for (const { close } of closables) await close();
    throw error;
  }
}

function logSettings(settings: Settings, log: Log, openFileLimit: number | undefined): void {
  const { redis, isDemo, warnings, operation } = settings;
  for (const warning of warnings) log.warning(warning);
  const limitWarning = isDemo ? undefined : describeOpenFileLimit(openFileLimit, operation.maxConnections);
  if (limitWarning) log.warning(limitWarning);
  if (redis) log.line(`Storing the availabilities in ${describeRedis(redis)}`);
  for (const line of describeOrigins(settings)) log.line(line);
  const where = redis ? "" : " from memory";
  if (isDemo) log.line(`Serving sample agents${where}, since no upstream is configured`);
}

async function createObservability(
  settings: Settings,
  { print, onDefect, logDestination }: StartOptions,
  healthSources: Parameters<ReturnType<typeof createMetrics>["watch"]>[0],
): Promise<Observability> {
  const { operation, isDemo, anonymousReads, staleLimitSeconds } = settings;
  const metrics = createMetrics({ process: true, labelledCustomers: operation.labelledCustomers });
  metrics.watch(healthSources);
  const openJsonLog = () =>
    createJsonLog({
      level: operation.logLevel,
      destination: logDestination ?? openStandardOutput(metrics.onLineLost),
    });
  const log = isDemo ? createPlainLog({ print, printError: onDefect }) : openJsonLog();
  return {
    log,
    metrics,
    tracing: operation.exportsTraces ? await loadTracing({ log, onSpansLost: metrics.onSpansLost }) : undefined,
    servesMetrics: anonymousReads,
    readiness: createReadiness({ healthSources, staleLimitSeconds }),
    rateLimits: createRateLimits(limitsOf(settings), { maxConnections: operation.maxConnections }),
    trustedProxies: operation.trustedProxies,
  };
}

function limitsOf({ customers }: Settings): ReadonlyMap<string, CustomerLimits> {
  return new Map(customers.map(({ id, limits }) => [id, limits]));
}

/** Loads the code of the traces only when it is used. */
async function loadTracing(options: OpenTracingOptions): Promise<Tracing> {
  const { openTracing } = await import("./operations/tracing/open-tracing.ts");
  return openTracing(options);
}

/**
 * Opens the store in Redis if the settings have its address; Redis need not be up yet. Otherwise opens the store in the
 * process's memory.
 */
export function openStore(
  { redis }: Pick<Settings, "redis">,
  log: StoreLog,
  observer: StoreObserver = unobservedStore,
): AvailabilityStore {
  return redis ? createRedisStore({ server: redis, log, observer }) : createMemoryStore();
}
