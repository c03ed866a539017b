/** A Redis server of a test's own: a process that can be killed, suspended, and started again at the same address. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { createClient } from "@redis/client";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { findServer } from "../../scripts/testing/report-missing-servers.mjs";

/** What a server's process finds where it runs. */
export interface Surroundings {
  /** Further variables of its environment. @default none */
  readonly environment?: Readonly<Record<string, string>>;
  /** What a shell does in the process before the server takes its place, such as `ulimit -f 100`. @default nothing */
  readonly shell?: string;
}

export interface RedisServer {
  readonly url: string;
  /** The directory of what it has on disk. */
  readonly data: string;
  pid(): number | undefined;
  /**
   * Starts it again, with what it has on disk, and resolves when it answers. `settings` are as on its command line;
   * what is not given is as it was at first.
   */
  start(settings?: readonly string[], surroundings?: Surroundings): Promise<void>;
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>;
  /** Keeps it from running on, as an overloaded machine does, until it is resumed. */
  suspend(): void;
  resume(): void;
  /** Sends it one command, with this password where it asks for one. */
  command(words: readonly string[], password?: string): Promise<unknown>;
  /** Puts a copy of what it has on disk aside. It must not run. */
  saveSnapshot(): Promise<void>;
  /** Puts that copy in the place of what it has on disk. It must not run. */
  loadSnapshot(): Promise<void>;
  /** Removes all that it has on disk. It must not run. */
  wipe(): Promise<void>;
  /** Ends it, and removes whatever it has written. */
  remove(): Promise<void>;
}

/** Whether this machine has a Redis server. Where it has none, `scripts/testing/report-missing-servers.mjs` says what was skipped. */
export const hasRedisServer = findServer("redis-server") !== undefined;

/** Each write is on disk before it is answered, so that what survives a crash is no matter of chance. */
const KEEP_EVERYTHING = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];

/** Starts a Redis server that is empty, on a free port of this machine. */
export async function startRedisServer(
  settings: readonly string[] = [],
  surroundings: Surroundings = {},
): Promise<RedisServer> {
  const directory = await mkdtemp(path.join(tmpdir(), "redis-"));
  const data = path.join(directory, "data");
  const snapshot = path.join(directory, "snapshot");
  const port = await findFreePort();
  const url = `redis://127.0.0.1:${port}`;
  await mkdir(data);
  const start = (more: readonly string[], around: Surroundings) => {
    return launch(["--bind", "127.0.0.1", "--port", `${port}`, "--dir", data, ...KEEP_EVERYTHING, ...more], around);
  };
  let server = await start(settings, surroundings);

  async function end(): Promise<void> {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const gone = once(server, "exit");
    server.kill("SIGKILL");
    await gone;
  }

  return {
    url,
    data,
    pid: () => server.pid,
    async start(more = settings, around = surroundings) {
      server = await start(more, around);
    },
    kill: end,
    suspend: () => void server.kill("SIGSTOP"),
    resume: () => void server.kill("SIGCONT"),
    command: (words, password) => sendCommand(url, words, password),
    saveSnapshot: () => cp(data, snapshot, { recursive: true }),
    async loadSnapshot() {
      await rm(data, { recursive: true });
      await cp(snapshot, data, { recursive: true });
    },
    async wipe() {
      await rm(data, { recursive: true });
      await mkdir(data);
    },
    async remove() {
      await end();
      await rm(directory, { recursive: true });
    },
  };
}

async function launch(settings: readonly string[], { environment, shell }: Surroundings): Promise<ChildProcess> {
  const executable = findServer("redis-server");
  if (!executable) throw new Error("There is no redis-server on this machine");
  const [file, ...words] = shell ? ["sh", "-c", `${shell} && exec "$0" "$@"`, executable] : [executable];
  const server = spawn(file, [...words, ...settings], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // None outlives the process that started it.
  const kill = () => void server.kill("SIGKILL");
  process.once("exit", kill);
  server.once("exit", () => process.removeListener("exit", kill));
  const said: string[] = [];
  for await (const line of createInterface({ input: server.stdout })) {
    said.push(line);
    if (!line.includes("Ready to accept connections")) continue;
    // Or the process would wait once the pipe is full.
    server.stdout.resume();
    return server;
  }
  throw new Error(`The Redis server ended instead of listening:\n${said.join("\n")}`);
}

async function sendCommand(url: string, words: readonly string[], password?: string): Promise<unknown> {
  const client = await createClient({ url, ...(password && { password }) }).connect();
  try {
    return await client.sendCommand(words);
  } finally {
    client.destroy();
  }
}
