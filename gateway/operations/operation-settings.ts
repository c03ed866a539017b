import * as v from "valibot";
import { Host, Port, Seconds } from "../settings/variable.ts";
import { createTrustedProxies, type TrustedProxies } from "./limits/client-address.ts";

/** What the operator is told by the gateway, and how the gateway is to treat the network around it. */
export interface OperationSettings {
  /** Port for metrics and details of the gateway's health, from `GATEWAY_ADMIN_PORT`; 0 takes a free one. @default none: nothing listens */
  readonly adminPort: number | undefined;
  /** Address that it listens on, from `GATEWAY_ADMIN_HOST`. @default "127.0.0.1" */
  readonly adminHost: string;
  /** The least important lines that are logged, from `LOG_LEVEL`. @default "info" */
  readonly logLevel: LogLevel;
  /** How long `/readyz` says that the gateway is closing before it takes no more connections, from `DRAIN_DELAY_SECONDS`. @default 0 */
  readonly drainDelaySeconds: number;
  /** Whose `X-Forwarded-For` is believed, from `TRUSTED_PROXIES`. @default nobody's */
  readonly trustedProxies: TrustedProxies;
  /** How many connections may be open at once, from `MAX_CONNECTIONS`; more are closed as they come. @default 20000 */
  readonly maxConnections: number;
}

const LOG_LEVELS = ["debug", "info", "warn", "error", "silent"] as const;

/** How important a line of the log is, the least first; `silent` is above all. */
export type LogLevel = (typeof LOG_LEVELS)[number];

const Level = v.picklist(LOG_LEVELS, ({ input }) => `${JSON.stringify(input)} is none of ${LOG_LEVELS.join(", ")}`);

const ProxyList = v.pipe(
  v.string(),
  v.transform((list): readonly string[] => list.split(",").map((entry) => entry.trim())),
  v.check(
    (entries) => createTrustedProxies(entries) !== undefined,
    ({ input }) => {
      const bad = input.filter((entry) => !createTrustedProxies([entry])).map((entry) => JSON.stringify(entry));
      return `${bad.join(", ")} is no IP address or subnet`;
    },
  ),
  v.transform((entries) => createTrustedProxies(entries)),
);

const Count = v.pipe(
  v.string(),
  v.regex(/^[1-9]\d{0,6}$/, ({ input }) => `${JSON.stringify(input)} is no whole number from 1 to 9999999`),
  v.transform(Number),
);

const DrainDelay = v.pipe(
  Seconds,
  v.maxValue(300, ({ input }) => `${input} seconds are more than 300`),
);

/** The environment's variables that say so. */
export const OPERATION_VARIABLES = {
  GATEWAY_ADMIN_PORT: v.optional(Port),
  GATEWAY_ADMIN_HOST: v.optional(Host, "127.0.0.1"),
  LOG_LEVEL: v.optional(Level, "info"),
  DRAIN_DELAY_SECONDS: v.optional(DrainDelay, "0"),
  TRUSTED_PROXIES: v.optional(ProxyList),
  MAX_CONNECTIONS: v.optional(Count, "20000"),
};

/** An example of each, for whoever has set it wrong. */
export const OPERATION_EXAMPLES: Readonly<Record<keyof typeof OPERATION_VARIABLES, string>> = {
  GATEWAY_ADMIN_PORT: "9100",
  GATEWAY_ADMIN_HOST: "127.0.0.1",
  LOG_LEVEL: "info",
  DRAIN_DELAY_SECONDS: "5",
  TRUSTED_PROXIES: "127.0.0.1,10.0.0.0/8",
  MAX_CONNECTIONS: "20000",
};

type OperationValues = v.InferOutput<ReturnType<typeof v.object<typeof OPERATION_VARIABLES>>>;

/** The settings that these variables hold. */
export function toOperationSettings(values: OperationValues): OperationSettings {
  return {
    adminPort: values.GATEWAY_ADMIN_PORT,
    adminHost: values.GATEWAY_ADMIN_HOST,
    logLevel: values.LOG_LEVEL,
    drainDelaySeconds: values.DRAIN_DELAY_SECONDS,
    trustedProxies: values.TRUSTED_PROXIES ?? NOBODY,
    maxConnections: values.MAX_CONNECTIONS,
  };
}

const NOBODY: TrustedProxies = { includes: () => false };
