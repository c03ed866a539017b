import { readFile } from "node:fs/promises";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import type { RedisClientOptions } from "@redis/client";
import { systemErrorCode } from "../../system-error.ts";
import { StoreUnavailableError } from "../availability-store.ts";
import type { RedisServerOptions } from "./redis-server-options.ts";

/** Number of commands allowed to wait for Redis. With more, Redis counts as too slow. */
const MAX_COMMANDS = 10_000;

/** Where a client connects to, and how. */
export interface ClientTarget {
  readonly address: string;
  /** Certificates for an address with `rediss://`, as `readRedisTls` returns them. */
  readonly tls: TlsOptions;
  /** Time limit for the connection, in milliseconds. */
  readonly timeoutMs: number;
}

/** Options of every client of the gateway. A client does not repair a broken connection, and queues no command meanwhile. */
export function toClientOptions({ address, tls, timeoutMs }: ClientTarget) {
  // The session replaces a broken connection, because missed changes must be loaded too.
  const common = { connectTimeout: timeoutMs, reconnectStrategy: false } as const;
  return {
    url: address,
    name: "availability-gateway",
    // Do not queue commands while offline: a caller must not be told of a failure and then see the change made.
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_COMMANDS,
    socket: address.startsWith("rediss:") ? { ...common, ...tls, tls: true } : common,
    maintNotifications: "disabled",
  } as const satisfies RedisClientOptions;
}

/**
 * Reads the files with certificates for Redis.
 *
 * @throws {StoreUnavailableError} if a file cannot be read.
 */
export async function readRedisTls({ tls = {} }: Pick<RedisServerOptions, "tls">): Promise<TlsOptions> {
  const { caPath, certPath, keyPath } = tls;
  const [ca, cert, key] = await Promise.all([caPath, certPath, keyPath].map(readPemFile));
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

async function readPemFile(path: string | undefined): Promise<string | undefined> {
  if (path === undefined) return undefined;
  try {
    return await readFile(path, "utf8");
  } catch (error) {
    const reason = systemErrorCode(error) ?? String(error);
    throw new StoreUnavailableError(`The file ${JSON.stringify(path)} for TLS with Redis cannot be read: ${reason}`, {
      cause: error,
    });
  }
}
