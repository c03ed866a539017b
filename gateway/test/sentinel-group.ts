/** A primary with replicas, and Sentinels that watch over them: real servers, as an operator runs them. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished } from "vitest";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { findServer } from "../../scripts/testing/report-missing-servers.mjs";
import { hasRedisServer, type RedisServer, sendCommand, startRedisServer } from "./redis-server.ts";

/** True if the machine has Redis and Sentinel, as `hasRedisServer`. */
export const hasSentinel = hasRedisServer && findServer("redis-sentinel") !== undefined;

/** Name under which the Sentinels know the primary. */
export const PRIMARY_NAME = "calls";

/** How long the Sentinels wait for a silent primary, in milliseconds. Long enough for a busy machine. */
const DOWN_AFTER_MS = 3_000;

export interface Sentinel {
  /** Address without a password, as `redis://127.0.0.1:26379`. */
  readonly url: string;
  /** Sends a command, with the password if the Sentinel requires a password. */
  command(words: readonly string[], password?: string): Promise<unknown>;
  kill(): Promise<void>;
}

export interface SentinelGroup {
  /** The primary at the start, and its replicas. */
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly Sentinel[];
  /** The addresses of the Sentinels, as for `REDIS_URL`. */
  readonly url: string;
  /** The server that the Sentinels name as the primary now. */
  primary(): Promise<RedisServer>;
}

export interface SentinelGroupOptions {
  /** Further settings of all servers, as on the command line. */
  readonly redis?: readonly string[];
  /** Further lines of the Sentinels' configuration. */
  readonly sentinel?: readonly string[];
  /** Password at Redis. @default none */
  readonly redisPassword?: string;
  /** Password at the Sentinels. @default none */
  readonly password?: string;
}

/** Starts a primary, a replica and three Sentinels that all know one another. They end when the test has finished. */
export async function startSentinelGroup(options: SentinelGroupOptions = {}): Promise<SentinelGroup> {
  const { sentinel = [], redisPassword, password } = options;
  const authentication = ["--requirepass", redisPassword ?? "", "--masterauth", redisPassword ?? ""];
  // Redis would wait for further replicas for five seconds.
  const undelayed = ["--repl-diskless-sync-delay", "0"];
  const redis = [...undelayed, ...(redisPassword === undefined ? [] : authentication), ...(options.redis ?? [])];
  const first = await startRedisServer(redis);
  onTestFinished(first.remove);
  const second = await startRedisServer(["--replicaof", "127.0.0.1", `${first.port}`, ...redis]);
  onTestFinished(second.remove);
  const servers = [first, second];
  await eventually(() => first.command(["INFO", "replication"], redisPassword)).toContain("state=online");
  const lines = [
    `sentinel monitor ${PRIMARY_NAME} 127.0.0.1 ${first.port} 2`,
    `sentinel down-after-milliseconds ${PRIMARY_NAME} ${DOWN_AFTER_MS}`,
    // Half of it is the time until another Sentinel may try, if two stand for election at once.
    `sentinel failover-timeout ${PRIMARY_NAME} 6000`,
    ...(redisPassword === undefined ? [] : [`sentinel auth-pass ${PRIMARY_NAME} ${redisPassword}`]),
    ...(password === undefined ? [] : [`requirepass ${password}`, `sentinel sentinel-pass ${password}`]),
    ...sentinel,
  ];
  const sentinels = await Promise.all([0, 1, 2].map(() => startSentinel(lines)));
  for (const { command } of sentinels) {
    await eventually(() => countOf(command(["SENTINEL", "SENTINELS", PRIMARY_NAME], password))).toBe(2);
    await eventually(() => countOf(command(["SENTINEL", "REPLICAS", PRIMARY_NAME], password))).toBe(1);
  }
  return {
    servers,
    sentinels,
    url: sentinels.map(({ url }) => url).join(),
    async primary() {
      const [one] = sentinels;
      const reply = await one?.command(["SENTINEL", "GET-MASTER-ADDR-BY-NAME", PRIMARY_NAME], password);
      const port = Array.isArray(reply) ? Number(reply[1]) : 0;
      const server = servers.find((each) => each.port === port);
      if (!server) throw new Error(`The Sentinel names a primary that is no server of the test: ${String(reply)}`);
      return server;
    },
  };
}

/**
 * Retries an expectation until it holds, with a timeout for a busy machine: a Sentinel that has waited two seconds for the processor
 * does nothing for half a minute, its TILT mode.
 */
function eventually<Value>(read: () => Value): ReturnType<typeof expect.poll> {
  return expect.poll(read, { interval: 50, timeout: 150_000 });
}

async function countOf(reply: Promise<unknown>): Promise<number> {
  const list = await reply;
  return Array.isArray(list) ? list.length : 0;
}

/** Starts a Sentinel with lines of its configuration. It ends when the test has finished. */
export async function startSentinel(lines: readonly string[]): Promise<Sentinel> {
  const directory = await mkdtemp(path.join(tmpdir(), "sentinel-"));
  const file = path.join(directory, "sentinel.conf");
  const port = await findFreePort();
  await writeFile(file, [`port ${port}`, "bind 127.0.0.1", `dir ${directory}`, ...lines, ""].join("\n"));
  const child = spawn(findServer("redis-sentinel") ?? "", [file], { stdio: ["ignore", "pipe", "inherit"] });
  const kill = async () => {
    await end(child);
  };
  onTestFinished(async () => {
    await kill();
    await rm(directory, { recursive: true });
  });
  const output: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    output.push(line);
    if (line.includes("Sentinel ID is")) break;
  }
  if (!output.at(-1)?.includes("Sentinel ID is")) throw new Error(`The Sentinel did not start:\n${output.join("\n")}`);
  // Otherwise the Sentinel would block once the pipe is full.
  child.stdout.resume();
  const url = `redis://127.0.0.1:${port}`;
  return { url, kill, command: (words, password) => sendCommand(url, words, password) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
