import * as v from "valibot";
import { Host, Port, Seconds } from "../settings/env-schemas.ts";
import { createTrustedProxies, type TrustedProxies } from "./limits/client-address.ts";
import { areTracesExported, TRACING_VARIABLES } from "./tracing/tracing-settings.ts";

/** Settings of the log, the metrics and the network around the gateway. */
export interface OperationSettings {
  /**
   * Port for metrics and details of the gateway's health, from `GATEWAY_ADMIN_PORT`; 0 takes a free port. @default
   * none: no port is opened
   */
  readonly adminPort: number | undefined;
  /** Address of that port, from `GATEWAY_ADMIN_HOST`. @default "127.0.0.1" */
  readonly adminHost: string;
  /** Lowest level to log, from `LOG_LEVEL`. @default "info" */
  readonly logLevel: LogLevel;
  /**
   * Seconds between `/readyz` becoming unready and the end of accepting connections, from `DRAIN_DELAY_SECONDS`.
   * @default 0
   */
  readonly drainDelaySeconds: number;
  /**
   * Customers with a label of their own in the metrics, from `METRICS_CUSTOMER_LABEL`; `undefined`: all customers.
   * @default all customers
   */
  readonly labelledCustomers: ReadonlySet<string> | undefined;
  /** True if spans are exported to a collector, from `OTEL_EXPORTER_OTLP_ENDPOINT` and others. @default false */
  readonly exportsTraces: boolean;
  /**
   * Proxies with a trusted `X-Forwarded-For`, from `TRUSTED_PROXIES`. The client's address counts for requests with a bad
   * token or secret. @default none
   */
  readonly trustedProxies: TrustedProxies;
  /**
   * Maximum open connections, from `MAX_CONNECTIONS`; further connections are closed at once. Streams take 80 % at most,
   * and the last ones are for health checks. @default 20000
   */
  readonly maxConnections: number;
  /** Time after which an idle connection is closed, in seconds, from `KEEP_ALIVE_SECONDS`. @default 65 */
  readonly keepAliveSeconds: number;
}

const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

/** Level of a log line, in ascending order; `silent` logs nothing. */
export type LogLevel = (typeof LOG_LEVELS)[number];

const Level = v.picklist(LOG_LEVELS, ({ input }) => `${JSON.stringify(input)} is not one of ${LOG_LEVELS.join(", ")}`);

const CUSTOMER_ID = /^[a-z\d][a-z\d-]{0,63}$/;

const LabelledCustomers = v.pipe(
  v.string(),
  v.transform((text): readonly string[] => text.split(",").map((entry) => entry.trim())),
  v.check(
    (entries) => entries.every((entry) => CUSTOMER_ID.test(entry)),
    ({ input }) =>
      `expected true, false or ids of customers with commas between them, got ${JSON.stringify(input.join())}`,
  ),
  v.transform(([first, ...others]): ReadonlySet<string> | undefined => {
    if (others.length === 0 && first === "true") return undefined;
    return new Set(others.length === 0 && first === "false" ? [] : [first ?? "", ...others]);
  }),
);

const ProxyList = v.pipe(
  v.string(),
  v.transform((list): readonly string[] => list.split(",").map((entry) => entry.trim())),
  v.check(
    (entries) => createTrustedProxies(entries) !== undefined,
    ({ input }) => {
      const bad = input.filter((entry) => !createTrustedProxies([entry])).map((entry) => JSON.stringify(entry));
      return `${bad.join(", ")} is not an IP address or subnet`;
    },
  ),
  v.transform((entries) => createTrustedProxies(entries)),
);

const Count = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{0,6}$/, ({ input }) => `${JSON.stringify(input)} is not a whole number from 1 to 9999999`),
  v.transform(Number),
);

const DrainDelay = v.pipe(
  Seconds,
  v.maxValue(300, ({ input }) => `${input} seconds are more than 300`),
);

const KeepAlive = v.pipe(
  Seconds,
  v.check(
    (seconds) => seconds >= 1 && seconds <= 3600,
    ({ input }) => `${input} seconds are not between 1 and 3600`,
  ),
);

/** Schemas of the environment's variables for these settings, with their documentation. */
const OWN_VARIABLES = {
  GATEWAY_ADMIN_PORT: v.pipe(
    v.optional(Port),
    v.metadata({
      meaning: "port for metrics and details of the gateway's health, 0 for a free one; without it no port is opened",
      example: "9100",
    }),
  ),
  GATEWAY_ADMIN_HOST: v.pipe(
    v.optional(Host, "127.0.0.1"),
    v.metadata({ meaning: "address to listen on for metrics and health", example: "127.0.0.1" }),
  ),
  LOG_LEVEL: v.pipe(
    v.optional(Level, "info"),
    v.metadata({ meaning: `lowest level to log: ${LOG_LEVELS.join(", ")}`, example: "info" }),
  ),
  METRICS_CUSTOMER_LABEL: v.pipe(
    v.optional(LabelledCustomers, "true"),
    v.metadata({
      meaning: "true for a label with the customer in the metrics, false for none, or the ids of customers to label",
      example: "false",
    }),
  ),
  DRAIN_DELAY_SECONDS: v.pipe(
    v.optional(DrainDelay, "0"),
    v.metadata({
      meaning: "seconds between /readyz becoming unready and the end of accepting connections, at most 300",
      example: "5",
    }),
  ),
  TRUSTED_PROXIES: v.pipe(
    v.optional(ProxyList),
    v.metadata({
      meaning: "addresses and subnets of proxies, with commas between them, whose X-Forwarded-For is trusted",
      example: "127.0.0.1,10.0.0.0/8",
    }),
  ),
  MAX_CONNECTIONS: v.pipe(
    v.optional(Count, "20000"),
    v.metadata({ meaning: "maximum open connections", example: "20000" }),
  ),
  KEEP_ALIVE_SECONDS: v.pipe(
    v.optional(KeepAlive, "65"),
    v.metadata({
      meaning: "seconds after which an idle connection is closed, 1 to 3600: more than the load balancer's own time",
      example: "620",
    }),
  ),
};

/** Schemas of all variables of the operation. */
export const OPERATION_VARIABLES = { ...OWN_VARIABLES, ...TRACING_VARIABLES };

type OperationValues = v.InferOutput<ReturnType<typeof v.object<typeof OPERATION_VARIABLES>>>;

/** Converts the values of these variables to settings. */
export function toOperationSettings(values: OperationValues): OperationSettings {
  return {
    adminPort: values.GATEWAY_ADMIN_PORT,
    adminHost: values.GATEWAY_ADMIN_HOST,
    logLevel: values.LOG_LEVEL,
    exportsTraces: areTracesExported(values),
    labelledCustomers: values.METRICS_CUSTOMER_LABEL,
    drainDelaySeconds: values.DRAIN_DELAY_SECONDS,
    trustedProxies: values.TRUSTED_PROXIES ?? NO_PROXIES,
    maxConnections: values.MAX_CONNECTIONS,
    keepAliveSeconds: values.KEEP_ALIVE_SECONDS,
  };
}

const NO_PROXIES: TrustedProxies = { includes: () => false };
