/** A gateway of a test's own: the built one, as it is deployed, on a free port of this machine. */
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { findFreePort } from "../../../scripts/testing/local-server.ts";
import { type ProcessEnd, type RunningProcess, startProcess } from "./running-process.ts";

export interface GatewayProcessOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** @default this process's */
  readonly directory?: string;
  /** What a shell does in the process before the gateway takes its place. @default nothing */
  readonly shell?: string;
}

export interface GatewayProcess {
  readonly origin: string;
  readonly port: number;
  /** What it was started with at first. */
  readonly environment: Readonly<Record<string, string>>;
  pid(): number;
  /** Kills it, as a machine does that loses its power. */
  kill(): Promise<void>;
  /** Asks it to end, and resolves when it has. */
  terminate(): Promise<ProcessEnd>;
  /** Starts it again on its port, with what is other than it was. */
  start(changes?: Partial<GatewayProcessOptions>): Promise<void>;
}

const SERVER = fileURLToPath(new URL("../../dist/server.js", import.meta.url));

/** Starts a gateway, and resolves when it answers. */
export async function startGateway(options: GatewayProcessOptions): Promise<GatewayProcess> {
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  let running: RunningProcess;

  async function start(changes: Partial<GatewayProcessOptions> = {}): Promise<void> {
    const { environment, directory, shell } = { ...options, ...changes };
    running = startProcess({
      program: process.execPath,
      arguments: [SERVER],
      // A line for each request would slow it down, and hide what is worth reading where a test fails.
      environment: { LOG_LEVEL: "warn", ...environment, GATEWAY_PORT: `${port}` },
      ...(directory !== undefined && { directory }),
      ...(shell !== undefined && { shell }),
    });
    await expect.poll(() => answers(running, `${origin}/healthz`)).toBe(true);
  }

  await start();
  return {
    origin,
    port,
    environment: options.environment,
    pid: () => running.pid,
    start,
    kill: async () => void (await running.end()),
    terminate() {
      running.kill("SIGTERM");
      return running.ended();
    },
  };
}

/** Whether a process answers at all. @throws {Error} where it has ended instead. */
async function answers(running: RunningProcess, url: string): Promise<boolean> {
  if (!running.isRunning()) throw new Error(`The gateway has ended: ${running.output.join("\n")}`);
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}
