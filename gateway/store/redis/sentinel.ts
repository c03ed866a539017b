import { setTimeout as delay } from "node:timers/promises";
import type { ConnectionOptions as TlsOptions } from "node:tls";
import { createClient } from "@redis/client";
import * as v from "valibot";
import { StoreUnavailableError } from "../availability-store.ts";
import { startTimeout } from "./abortable.ts";
import { describeRedisFault } from "./connection-advice.ts";
import { createDeferred } from "./deferred.ts";
import { toClientOptions } from "./redis-client.ts";
import type { RedisServerOptions } from "./redis-server-options.ts";

/** Port of a Sentinel whose address has none. */
const SENTINEL_PORT = "26379";

/** Delay before the next attempt to listen at a Sentinel that is down, in milliseconds. */
const RETRY_MS = 5_000;

/** Message when Sentinels have made another Redis the primary: name, former host and port, new host and port. */
const SWITCH_CHANNEL = "+switch-master";

/** Host and port of the primary; `null` if the Sentinel does not know the name. */
const PrimaryReply = v.nullable(v.tuple([v.string(), v.string()]));

/** Answer of one Sentinel, or the reason why there is none. */
type Answer = { readonly address: string } | { readonly fault: string };

export interface SentinelOptions {
  readonly server: RedisServerOptions;
  readonly tls: TlsOptions;
  /** Time limit for a Sentinel's answer, in milliseconds. */
  readonly timeoutMs: number;
}

/** Closes a connection to a former primary. */
export class PrimaryReplacedError extends StoreUnavailableError {
  constructor() {
    super("The Sentinels have made another Redis the primary");
  }
}

/** The Sentinels of a primary, with a connection to each of them. */
export interface Sentinels {
  /**
   * Yields each address once that a Sentinel names as the primary, in the order of the answers. The caller checks that the
   * Redis there is a primary: a Sentinel that was cut off still names the former one.
   *
   * @throws {StoreUnavailableError} with each Sentinel's reason if none of them names a primary.
   */
  primaries(): AsyncGenerator<string, void, void>;
  /** Calls the listener once the Sentinels have made another Redis the primary, at once if they have already. */
  whenReplaced(address: string, listener: () => void): void;
  close(): void;
}

/**
 * Connects to all Sentinels at once, and to those that are down later.
 *
 * The gateway talks to the Sentinels by itself, since the Sentinel client of `@redis/client` repeats a command at the next
 * primary, and the store promises that a write is not made after its failure was reported.
 */
export function openSentinels(options: SentinelOptions): Sentinels {
  const { sentinelName = "", addresses } = options.server;
  let primary: string | undefined;
  let onSwitch = (): void => {};

  function handleSwitch(sentinel: string, message: string): void {
    const [name, , , host = "", port = ""] = message.split(" ");
    if (name !== sentinelName) return;
    primary = toPrimaryAddress(sentinel, [host, port]);
    onSwitch();
  }

  const closing = new AbortController();
  const answers = addresses.map((address) => {
    const onMessage = (message: string): void => handleSwitch(address, message);
    return [address, followSentinel(address, options, { onMessage, signal: closing.signal })] as const;
  });

  return {
    async *primaries() {
      const pending = new Map(
        answers.map(([address, answer]) => [address, answer.then((each) => [address, each] as const)]),
      );
      const named = new Set<string>();
      const faults: string[] = [];
      while (pending.size > 0) {
        const [sentinel, answer] = await Promise.race(pending.values());
        pending.delete(sentinel);
        if ("fault" in answer) faults.push(`${new URL(sentinel).host}: ${answer.fault}`);
        else if (!named.has(answer.address)) {
          named.add(answer.address);
          yield answer.address;
        }
      }
      if (named.size === 0) throw new StoreUnavailableError(`No Sentinel names the primary: ${faults.join("; ")}`);
    },
    whenReplaced(address, listener) {
      onSwitch = () => {
        if (primary !== undefined && primary !== address) listener();
      };
      onSwitch();
    },
    close: () => closing.abort(),
  };
}

interface Following {
  readonly onMessage: (message: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Receives the messages of a Sentinel until the signal aborts, and connects again when the connection breaks. Resolves with
 * the Sentinel's first answer. Never rejects.
 */
function followSentinel(address: string, options: SentinelOptions, { onMessage, signal }: Following): Promise<Answer> {
  const { server, timeoutMs } = options;
  const { sentinelName = "" } = server;
  const answer = createDeferred<Answer>();
  const cancel = startTimeout(timeoutMs, () => answer.resolve({ fault: `did not reply within ${timeoutMs} ms` }));

  async function connect(): Promise<void> {
    const client = createSentinelClient(address, options);
    let failure: unknown;
    const destroy = (): void => client.destroy();
    client.on("error", (error: unknown) => {
      failure ??= error;
      // Rejects the pending calls, with an error that does not have the reason.
      destroy();
    });
    signal.addEventListener("abort", destroy, { once: true });
    const ended = new Promise<void>((resolve) => void client.once("end", resolve));
    try {
      await client.connect();
      // First, so that no message is missed between the answer and the subscription.
      await client.subscribe(SWITCH_CHANNEL, onMessage);
      const reply = await client.sendCommand(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", sentinelName]);
      answer.resolve(toAnswer(address, sentinelName, reply));
      await ended;
    } catch (error) {
      answer.resolve({ fault: describeRedisFault(failure ?? error) });
    } finally {
      signal.removeEventListener("abort", destroy);
      destroy();
    }
  }

  async function follow(): Promise<void> {
    while (!signal.aborted) {
      await connect();
      cancel();
      await delay(RETRY_MS, undefined, { signal }).catch(() => {
        // Only the end of the connection to Redis aborts the delay.
      });
    }
  }

  void follow();
  return answer.promise;
}

function createSentinelClient(address: string, { server, tls, timeoutMs }: SentinelOptions) {
  const { user, password } = server.sentinelLogin ?? {};
  return createClient({
    ...toClientOptions({ address: toSentinelAddress(address), tls, timeoutMs }),
    ...(user && { username: user }),
    ...(password && { password }),
  });
}

function toAnswer(sentinel: string, name: string, reply: unknown): Answer {
  const primary = v.parse(PrimaryReply, reply);
  if (primary === null) return { fault: `knows no primary with the name ${JSON.stringify(name)}` };
  return { address: toPrimaryAddress(sentinel, primary) };
}

/** Returns the Sentinel's own address: user, password and database of the address are those at Redis. */
function toSentinelAddress(address: string): string {
  const url = new URL(address);
  url.username = "";
  url.password = "";
  url.pathname = "";
  url.port ||= SENTINEL_PORT;
  return url.href;
}

/** Returns the primary's address, with scheme, user, password and database of the Sentinel's address. */
function toPrimaryAddress(sentinel: string, [host, port]: readonly [string, string]): string {
  const url = new URL(sentinel);
  url.host = `${host.includes(":") ? `[${host}]` : host}:${port}`;
  return url.href;
}
