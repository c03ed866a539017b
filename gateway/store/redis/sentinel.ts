import type { ConnectionOptions as TlsOptions } from "node:tls";
import { createClient } from "@redis/client";
import * as v from "valibot";
import { StoreUnavailableError } from "../availability-store.ts";
import { describeRedisFault } from "./connection-advice.ts";
import { toClientOptions } from "./redis-client.ts";
import type { RedisServerOptions } from "./redis-server-options.ts";

/** Port of a Sentinel whose address has none. */
const SENTINEL_PORT = "26379";

/** Host and port of the primary; `null` if the Sentinel does not know the name. */
const PrimaryReply = v.nullable(v.tuple([v.string(), v.string()]));

/** Answer of one Sentinel, or the reason why there is none. */
type Answer = { readonly address: string } | { readonly fault: string };

export interface SentinelQuery {
  readonly server: RedisServerOptions;
  readonly tls: TlsOptions;
  /** Time limit for a Sentinel's answer, in milliseconds. */
  readonly timeoutMs: number;
}

/**
 * Asks all Sentinels at once for the primary, and yields each address that they name once, in the order of their answers.
 * The caller checks that the Redis there is a primary: a Sentinel that was cut off still names the former one.
 *
 * The gateway asks by itself, since the Sentinel client of `@redis/client` repeats a command at the next primary, and the
 * store promises that a write is not made after its failure was reported.
 *
 * @throws {StoreUnavailableError} with each Sentinel's reason if none of them names a primary.
 */
export async function* findPrimaries(query: SentinelQuery): AsyncGenerator<string, void, void> {
  const pending = new Map(
    query.server.addresses.map((sentinel) => [
      sentinel,
      askSentinel(sentinel, query).then((answer) => ({ sentinel, answer })),
    ]),
  );
  const named = new Set<string>();
  const faults: string[] = [];
  while (pending.size > 0) {
    const { sentinel, answer } = await Promise.race(pending.values());
    pending.delete(sentinel);
    if ("fault" in answer) faults.push(`${new URL(sentinel).host}: ${answer.fault}`);
    else if (!named.has(answer.address)) {
      named.add(answer.address);
      yield answer.address;
    }
  }
  if (named.size === 0) throw new StoreUnavailableError(`No Sentinel names the primary: ${faults.join("; ")}`);
}

/** Asks a Sentinel for the primary. Never rejects. */
async function askSentinel(sentinel: string, { server, tls, timeoutMs }: SentinelQuery): Promise<Answer> {
  const { sentinelName = "", sentinelLogin: { user, password } = {} } = server;
  const options = toClientOptions({ address: toSentinelAddress(sentinel), tls, timeoutMs });
  const client = createClient({ ...options, ...(user && { username: user }), ...(password && { password }) });
  const timeout = setTimeout(() => client.destroy(), timeoutMs);
  client.on("error", () => {
    // The pending call rejects with the same error. Without a listener, the error would end the process.
  });
  try {
    await client.connect();
    const reply = v.parse(
      PrimaryReply,
      await client.sendCommand(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", sentinelName]),
    );
    if (reply === null) return { fault: `knows no primary with the name ${JSON.stringify(sentinelName)}` };
    return { address: toPrimaryAddress(sentinel, reply) };
  } catch (error) {
    return { fault: describeRedisFault(error) };
  } finally {
    clearTimeout(timeout);
    if (client.isOpen) client.destroy();
  }
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
