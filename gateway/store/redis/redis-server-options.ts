/** Redis of the store, and how to connect to it. */
export interface RedisServerOptions {
  /**
   * Addresses as `redis://`, `rediss://` or, in mode `single`, `unix://`: of Redis itself in mode `single`, of some nodes
   * of the cluster in mode `cluster`, and of Sentinels in mode `sentinel`. At least one. All have the same user, password
   * and database, which are those at Redis in mode `sentinel` too.
   */
  readonly addresses: readonly string[];
  /** One primary, a Redis Cluster, or a primary that Sentinels name. */
  readonly mode: RedisMode;
  /** Name under which the Sentinels know the primary. Required in mode `sentinel`. */
  readonly sentinelName?: string | undefined;
  /** Login at the Sentinels. @default none */
  readonly sentinelLogin?: SentinelLogin | undefined;
  /** Start of every key that the gateway uses, without a colon at the end and without braces. */
  readonly keyPrefix: string;
  /** Certificates for addresses with `rediss://`. @default the certificate authorities of Node, and no client certificate */
  readonly tls?: RedisTls | undefined;
}

export type RedisMode = "single" | "cluster" | "sentinel";

/**
 * Paths of PEM files. Every new connection reads the files again, so that a renewed certificate needs no restart of the
 * gateway.
 */
export interface RedisTls {
  /** Certificates of the authorities that sign the certificate of Redis. */
  readonly caPath?: string | undefined;
  /** Client certificate. Set together with `keyPath`. */
  readonly certPath?: string | undefined;
  /** Private key of the client certificate. */
  readonly keyPath?: string | undefined;
}

/** User and password at the Sentinels. The addresses have the user and the password at Redis. */
export interface SentinelLogin {
  readonly user?: string | undefined;
  readonly password?: string | undefined;
}

/** Key prefix of a gateway without the setting `REDIS_KEY_PREFIX`. */
export const DEFAULT_KEY_PREFIX = "availability-bridge";

/** Returns the options of one Redis at an address, with the default key prefix. */
export function singleRedis(address: string): RedisServerOptions {
  return { addresses: [address], mode: "single", keyPrefix: DEFAULT_KEY_PREFIX };
}
