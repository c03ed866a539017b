/** A Redis or Valkey server of a test: a process that can be killed, suspended, and started again at the same address. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { createClient } from "@redis/client";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { findServer } from "../../scripts/testing/report-missing-servers.mjs";

/** The environment of a server's process. */
export interface Surroundings {
  /** Further variables of the environment. @default none */
  readonly environment?: Readonly<Record<string, string>>;
  /** A shell command that the process runs before the server's program, like `ulimit -f 100`. @default no command */
  readonly shell?: string;
  /** @default "redis-server" */
  readonly program?: "redis-server" | "valkey-server";
}

export interface RedisServer {
  readonly url: string;
  readonly port: number;
  /** The directory of the server's files. */
  readonly data: string;
  pid(): number | undefined;
  /**
   * Starts the server again with its files, and resolves when the server responds. `settings` are as on the command
   * line and override the settings of the first start.
   */
  start(settings?: readonly string[], surroundings?: Surroundings): Promise<void>;
  /** Ends the server at once, as a crash does. */
  kill(): Promise<void>;
  /** Suspends the server until `resume`, as an overloaded machine does. */
  suspend(): void;
  resume(): void;
  /** Sends a command, with the password if the server requires a password. */
  command(words: readonly string[], password?: string): Promise<unknown>;
  /** Copies the server's files to a backup. The server must be stopped. */
  saveSnapshot(): Promise<void>;
  /** Restores the server's files from the backup. The server must be stopped. */
  loadSnapshot(): Promise<void>;
  /** Removes the server's files. The server must be stopped. */
  wipe(): Promise<void>;
  /** Ends the server and removes its files. */
  remove(): Promise<void>;
}

/**
 * True if the machine has a Redis server. Otherwise `scripts/testing/report-missing-servers.mjs` reports the skipped
 * tests.
 */
export const hasRedisServer = findServer("redis-server") !== undefined;

/** True if the machine has a Valkey server, as `hasRedisServer`. */
export const hasValkeyServer = findServer("valkey-server") !== undefined;

/** Each write is on disk before Redis responds, so that the data after a crash does not depend on chance. */
const KEEP_EVERYTHING = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];

/** Starts an empty Redis server on a free port of this machine. */
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
    port,
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

async function launch(
  settings: readonly string[],
  { environment, shell, program = "redis-server" }: Surroundings,
): Promise<ChildProcess> {
  const executable = findServer(program);
  if (!executable) throw new Error(`There is no ${program} on this machine`);
  const [file, ...words] = shell ? ["sh", "-c", `${shell} && exec "$0" "$@"`, executable] : [executable];
  const server = spawn(file, [...words, ...settings], {
    env: { ...process.env, ...environment },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // The server ends with the process that started it.
  const kill = () => void server.kill("SIGKILL");
  process.once("exit", kill);
  server.once("exit", () => process.removeListener("exit", kill));
  const said: string[] = [];
  for await (const line of createInterface({ input: server.stdout })) {
    said.push(line);
    if (!line.includes("Ready to accept connections")) continue;
    // Otherwise the server would block once the pipe is full.
    server.stdout.resume();
    return server;
  }
  throw new Error(`The Redis server ended instead of listening:\n${said.join("\n")}`);
}

/** Sends a command to a server, with the password if the server requires a password. */
export async function sendCommand(url: string, words: readonly string[], password?: string): Promise<unknown> {
  const client = createClient({ url, ...(password && { password }), socket: { reconnectStrategy: false } });
  client.on("error", () => {
    // The pending call rejects with the same error. Without a listener, the error would end the process.
  });
  try {
    await client.connect();
    return await client.sendCommand(words);
  } finally {
    client.destroy();
  }
}
