import { createClient, ErrorReply } from "@redis/client";
import * as v from "valibot";
import type { Clock } from "../../clock.ts";
import { systemErrorCode } from "../../system-error.ts";
import { StoreUnavailableError } from "../availability-store.ts";
import { startTimeout } from "./abortable.ts";
import { CHANGES_KEY } from "./keys.ts";
import { createRedisClock, type RedisClock } from "./redis-clock.ts";
import { SCRIPTS } from "./scripts.ts";

/** Two connections to Redis: one for scripts, and one that waits for changes. Once broken they stay so. */
export interface RedisConnection {
  /**
   * Runs a script, and answers with what it answers after the time.
   *
   * @throws {RedisReplyError} where Redis refuses, and has done nothing.
   * @throws {StoreUnavailableError} where it does not answer in time, which breaks the connection.
   */
  run(script: keyof typeof SCRIPTS, keys: readonly string[], values: readonly string[]): Promise<readonly unknown[]>;
  /**
   * The entries of the stream after a position, oldest first and at most a thousand; waits for one for a while, and answers
   * with none where none came. Throws as `run` does.
   */
  read(after: number): Promise<readonly StreamEntry[]>;
  readonly clock: RedisClock;
  /** When Redis last answered the one that waits for changes, on the monotonic clock. */
  lastReadMs(): number;
  /** Aborts with the reason once the connection is broken or closed. */
  readonly signal: AbortSignal;
  /** Ends it. What was asked of it and is not answered yet rejects. */
  close(reason: Error): void;
}

/** An entry of the stream as Redis gives it. */
export interface StreamEntry {
  readonly id: string;
  readonly message: Readonly<Record<string, string>>;
}

export interface ConnectionOptions {
  readonly url: string;
  /** How long Redis may take for anything. */
  readonly timeoutMs: number;
  /** How long to wait for a change before asking anew, so that a Redis that hangs is told from one that has no news. */
  readonly waitMs: number;
  readonly monotonic: Clock;
}

/** Redis answered with an error, and has done nothing. */
export class RedisReplyError extends StoreUnavailableError {
  /** The error's first word, such as `READONLY`, `MISCONF` or `OOM`. */
  readonly code: string;

  constructor(cause: Error) {
    const code = /^[A-Z]+/.exec(cause.message)?.[0] ?? "ERR";
    super(`Redis refused: ${cause.message}`, { cause });
    this.code = code;
  }
}

/** How many commands may wait for Redis at once: beyond that it is too slow to be waited for. */
const MAX_COMMANDS = 10_000;
const MAX_ENTRIES = 1_000;

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
 * Connects to Redis, twice.
 *
 * @throws {StoreUnavailableError} where it cannot be reached, does not answer in time, or refuses the credentials.
 */
export async function openConnection(options: ConnectionOptions): Promise<RedisConnection> {
  const { timeoutMs, waitMs, monotonic } = options;
  const clock = createRedisClock();
  const clients = [createRedisClient(options), createRedisClient(options)] as const;
  const [commands, reader] = clients;
  const { signal, close, withTimeout } = createLifetime(clients);
  try {
    await withTimeout(Promise.all(clients.map((client) => connect(client, signal))), timeoutMs);
  } catch (error) {
    close(toError(error));
    // Why it ended, rather than what became of the first command.
    throw signal.reason;
  }
  let lastReadMs = monotonic.monotonicMs();
  return {
    clock,
    signal,
    close,
    lastReadMs: () => lastReadMs,
    async run(script, keys, values) {
      const sentMs = monotonic.monotonicMs();
      const reply = await withTimeout(commands[script](keys, values), timeoutMs);
      const [micros, ...rest] = v.parse(ScriptReply, reply);
      clock.observe(Number(micros) / 1000, sentMs, monotonic.monotonicMs());
      return rest;
    },
    async read(after) {
      const from = { key: CHANGES_KEY, id: `${after}-0` };
      const reply = await withTimeout(reader.xRead(from, { BLOCK: waitMs, COUNT: MAX_ENTRIES }), waitMs + timeoutMs);
      lastReadMs = monotonic.monotonicMs();
      return v.parse(Entries, reply) ?? [];
    },
  };
}

type Client = ReturnType<typeof createRedisClient>;

async function connect(client: Client, signal: AbortSignal): Promise<void> {
  await client.connect();
  // Closed while the connection was being made, it would stay open.
  if (signal.aborted) client.destroy();
}

/** What ends with the first of these clients that fails, and then ends them all. */
function createLifetime(clients: readonly Client[]) {
  const ending = new AbortController();

  function close(reason: Error): void {
    if (ending.signal.aborted) return;
    ending.abort(reason);
    for (const client of clients) client.destroy();
  }

  for (const client of clients) {
    client.on("error", (error: unknown) => close(unavailable(`Redis cannot be reached: ${describe(error)}`, error)));
  }

  /** Waits for Redis's answer, no longer than it may take. */
  async function withTimeout<Reply>(reply: Promise<Reply>, limitMs: number): Promise<Reply> {
    const cancel = startTimeout(limitMs, () => close(unavailable(`Redis did not answer within ${limitMs} ms`)));
    try {
      return await reply;
    } catch (error) {
      if (error instanceof ErrorReply) throw new RedisReplyError(error);
      if (!ending.signal.aborted) throw unavailable(`Redis cannot be reached: ${describe(error)}`, error);
      const { reason } = ending.signal;
      throw unavailable(`${toError(reason).message}: what was asked may have been done`, reason);
    } finally {
      cancel();
    }
  }

  return { signal: ending.signal, close, withTimeout };
}

function createRedisClient({ url, timeoutMs }: ConnectionOptions) {
  return createClient({
    url,
    scripts: SCRIPTS,
    name: "availability-gateway",
    // Nothing is kept back for later: whoever asked has been told that it was not done.
    disableOfflineQueue: true,
    commandsQueueMaxLength: MAX_COMMANDS,
    // A broken connection is replaced as a whole, since what was missed meanwhile has to be made up for.
    socket: { connectTimeout: timeoutMs, reconnectStrategy: false },
    maintNotifications: "disabled",
  });
}

function unavailable(message: string, cause?: unknown): StoreUnavailableError {
  return new StoreUnavailableError(message, { cause });
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

/** Node's error for a name with several addresses has no message of its own. */
function describe(error: unknown): string {
  return (error instanceof Error && error.message) || systemErrorCode(error) || String(error);
}
