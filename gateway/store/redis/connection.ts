import { ConnectionTimeoutError, createClient, ErrorReply } from "@redis/client";
import * as v from "valibot";
import type { Clock } from "../../clock.ts";
import { type ObserveCall, runUnobserved } from "../../outgoing-call.ts";
import { StoreUnavailableError } from "../availability-store.ts";
import { startTimeout } from "./abortable.ts";
import { describeRedisFault } from "./connection-advice.ts";
import type { StoreKeys } from "./keys.ts";
import { type ClientTarget, toClientOptions } from "./redis-client.ts";
import { createRedisClock, type RedisClock } from "./redis-clock.ts";
import type { RedisMode, RedisServerOptions } from "./redis-server-options.ts";
import { SCRIPTS } from "./scripts.ts";
import { errorCode } from "./write-rejection-log.ts";

/** Two connections to Redis, for scripts and for waiting for changes. A broken connection is not repaired. */
export interface RedisConnection {
  /**
   * Runs a script and resolves with the reply, without the leading time.
   *
   * @throws {RedisReplyError} if Redis rejects the script without a change.
   * @throws {StoreUnavailableError} if Redis does not reply in time; this breaks the connection.
   */
  run(script: keyof typeof SCRIPTS, keys: readonly string[], values: readonly string[]): Promise<readonly unknown[]>;
  /**
   * Resolves with at most a thousand entries of the stream after a position, oldest first. Waits a while for the first
   * entry and resolves with an empty list if no entry comes. Throws like `run`.
   */
  read(after: number): Promise<readonly StreamEntry[]>;
  readonly clock: RedisClock;
  /** Keys of the shard at this connection. */
  readonly keys: StoreKeys;
  /** Time of the last reply to a read, on the monotonic clock. */
  lastReadMs(): number;
  /** Signal that aborts with the reason when the connection breaks or is closed. */
  readonly signal: AbortSignal;
  /** Closes the connection. Pending calls reject. */
  close(reason: Error): void;
}

/** Entry of the stream as Redis returns it. */
export interface StreamEntry {
  readonly id: string;
  readonly message: Readonly<Record<string, string>>;
}

export interface ConnectionOptions {
  readonly server: RedisServerOptions;
  /** Keys of the shard to connect to. */
  readonly keys: StoreKeys;
  /** Time limit for every reply, in milliseconds. */
  readonly timeoutMs: number;
  /**
   * Time for which a read waits for a change, in milliseconds. Reading again tells an unresponsive Redis from an idle
   * Redis.
   */
  readonly waitMs: number;
  readonly monotonic: Clock;
  /** Runs each script, for metrics and traces. @default nothing is observed */
  readonly observe?: ObserveCall;
}

/** Thrown when Redis replies with an error, without a change. */
export class RedisReplyError extends StoreUnavailableError {
  /** Error as Redis replied. The first word is its code. */
  readonly reply: string;

  constructor(cause: Error) {
    super(`Redis rejected the command: ${describeRedisFault(cause)}`, { cause });
    this.reply = cause.message;
  }
}

/**
 * Closes a connection to a read-only Redis, so that the next connection may find another primary. The rejection log has
 * the reason.
 */
export class ReadOnlyRedisError extends StoreUnavailableError {
  constructor() {
    super("Redis is read-only");
  }
}

/**
 * Thrown when the node of a cluster no longer serves the shard. Closes the connection to the node: the next connection
 * leads to the new node. The command was not executed.
 */
export class SlotMovedError extends StoreUnavailableError {
  constructor(cause: ErrorReply) {
    super("Another node of the Redis Cluster serves the shard now", { cause });
  }
}

/** Thrown when Redis does not reply in time. Breaks the connection. */
class ReplyTimeoutError extends StoreUnavailableError {
  constructor(limitMs: number) {
    super(`Redis did not reply within ${limitMs} ms`);
  }
}

/** Maximum number of entries of a read. */
export const MAX_ENTRIES = 1_000;

const ScriptReply = v.pipe(v.looseTuple([v.string()]), v.readonly());
const Entries = v.nullable(
  v.pipe(
    v.looseTuple([
      v.object({ messages: v.array(v.object({ id: v.string(), message: v.record(v.string(), v.string()) })) }),
    ]),
    v.transform(([{ messages }]) => messages),
  ),
);

/**
 * Opens both connections to the Redis at an address. In mode `sentinel` it must be a primary.
 *
 * @throws {StoreUnavailableError} if Redis is unreachable, does not reply in time, rejects the credentials or is no primary.
 */
export async function openConnectionAt(target: ClientTarget, options: ConnectionOptions): Promise<RedisConnection> {
  const { server, keys, timeoutMs, waitMs, monotonic, observe = runUnobserved } = options;
  const clock = createRedisClock();
  const clients = [createRedisClient(target), createRedisClient(target)] as const;
  const [commands, reader] = clients;
  const { signal, close, withTimeout } = createLifetime(clients, options.server.mode);
  try {
    await withTimeout(Promise.all(clients.map((client) => connect(client, signal))), timeoutMs);
    if (server.mode === "sentinel") demandPrimary(await withTimeout(commands.hello(), timeoutMs));
  } catch (error) {
    close(toError(error));
    // The signal's reason is the cause; the first command's error is only its effect.
    const reason = toError(signal.reason);
    // A server without TLS waits for more of the handshake, and says nothing.
    const isSilent = reason instanceof ReplyTimeoutError || reason.cause instanceof ConnectionTimeoutError;
    if (!isSilent || !target.address.startsWith("rediss:")) throw reason;
    throw unavailable(`${reason.message}. If Redis has no TLS at this port, write redis:// in REDIS_URL`, reason);
  }
  let lastReadMs = monotonic.monotonicMs();
  return {
    clock,
    keys,
    signal,
    close,
    lastReadMs: () => lastReadMs,
    async run(script, keys, values) {
      const sentMs = monotonic.monotonicMs();
      const reply = await observe({ service: "redis", operation: script }, () =>
        withTimeout(commands[script](keys, values), timeoutMs),
      );
      const [micros, ...rest] = v.parse(ScriptReply, reply);
      clock.observe(Number(micros) / 1000, sentMs, monotonic.monotonicMs());
      return rest;
    },
    async read(after) {
      const from = { key: keys.changes, id: `${after}-0` };
      const reply = await withTimeout(reader.xRead(from, { BLOCK: waitMs, COUNT: MAX_ENTRIES }), waitMs + timeoutMs);
      lastReadMs = monotonic.monotonicMs();
      return v.parse(Entries, reply) ?? [];
    },
  };
}

type Client = ReturnType<typeof createRedisClient>;

async function connect(client: Client, signal: AbortSignal): Promise<void> {
  await client.connect();
  // A connection that opens after `close` would stay open.
  if (signal.aborted) client.destroy();
}

/** The reply to `HELLO` has the role, for which `ROLE` and `INFO` would need the right to dangerous commands. */
const HelloReply = v.looseObject({ role: v.string() });

/** @throws {StoreUnavailableError} if the Redis is a replica, such as a former primary. */
function demandPrimary(reply: unknown): void {
  const { role } = v.parse(HelloReply, reply);
  if (role !== "master") throw new StoreUnavailableError(`The Redis there is no primary: its role is ${role}`);
}

/** Creates the common lifetime of the clients. When a client fails, both are closed. */
function createLifetime(clients: readonly Client[], mode: RedisMode) {
  const ending = new AbortController();

  function close(reason: Error): void {
    if (ending.signal.aborted) return;
    ending.abort(reason);
    for (const client of clients) client.destroy();
  }

  for (const client of clients) {
    client.on("error", (error: unknown) => close(unreachable(error)));
  }

  function handleErrorReply(reply: ErrorReply): StoreUnavailableError {
    if (mode !== "cluster" || errorCode(reply.message) !== "MOVED") return new RedisReplyError(reply);
    const moved = new SlotMovedError(reply);
    close(moved);
    return moved;
  }

  /** Waits for a reply of Redis, at most `limitMs` milliseconds. */
  async function withTimeout<Reply>(reply: Promise<Reply>, limitMs: number): Promise<Reply> {
    const cancel = startTimeout(limitMs, () => close(new ReplyTimeoutError(limitMs)));
    try {
      return await reply;
    } catch (error) {
      if (error instanceof ErrorReply) throw handleErrorReply(error);
      if (!ending.signal.aborted) throw unreachable(error);
      const { reason } = ending.signal;
      throw unavailable(`${toError(reason).message}: the command may have been executed`, reason);
    } finally {
      cancel();
    }
  }

  return { signal: ending.signal, close, withTimeout };
}

function createRedisClient(target: ClientTarget) {
  return createClient({ ...toClientOptions(target), scripts: SCRIPTS });
}

function unavailable(message: string, cause: unknown): StoreUnavailableError {
  return new StoreUnavailableError(message, { cause });
}

function unreachable(cause: unknown): StoreUnavailableError {
  return unavailable(`Redis cannot be reached: ${describeRedisFault(cause)}`, cause);
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}
