/** Runs the built gateway, as it is deployed, on a free port for a test. */
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { expect } from "vitest";
import { findFreePort } from "../../../scripts/testing/local-server.ts";
import { type ProcessEnd, type RunningProcess, startProcess } from "./running-process.ts";

export interface GatewayProcessOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Path of the gateway's program. @default that of the present build */
  readonly program?: string;
  /** @default the test's process */
  readonly directory?: string;
  /** A shell command that the process runs before the gateway's program. @default no command */
  readonly shell?: string;
}

export interface GatewayProcess {
  readonly origin: string;
  readonly port: number;
  /** Settings of the first start. */
  readonly environment: Readonly<Record<string, string>>;
  pid(): number;
  /** Kills the gateway, as a power failure does. */
  kill(): Promise<void>;
  /** Sends SIGTERM, and resolves when the gateway has ended. */
  terminate(): Promise<ProcessEnd>;
  /** Starts the gateway again on its port, with the given settings changed. */
  start(changes?: Partial<GatewayProcessOptions>): Promise<void>;
}

const SERVER = fileURLToPath(new URL("../../dist/server.js", import.meta.url));

/** Starts a gateway, and resolves when it responds. */
export async function startGateway(options: GatewayProcessOptions): Promise<GatewayProcess> {
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  let running: RunningProcess;

  async function start(changes: Partial<GatewayProcessOptions> = {}): Promise<void> {
    const { environment, program = SERVER, directory, shell } = { ...options, ...changes };
    running = startProcess({
      program: process.execPath,
      arguments: [program],
      // An access log would slow the gateway down, and hide useful lines when a test fails.
      environment: { LOG_LEVEL: "warn", ...environment, GATEWAY_PORT: `${port}` },
      ...(directory !== undefined && { directory }),
      ...(shell !== undefined && { shell }),
    });
    await expect.poll(() => readHealth(running, `${origin}/healthz`)).toBe("200");
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

/** Reads the status of the response, or the reason if there is none. @throws {Error} if the process has ended. */
async function readHealth(running: RunningProcess, url: string): Promise<string> {
  if (!running.isRunning()) throw new Error(`The gateway has ended: ${running.output.join("\n")}`);
  return fetch(url).then(
    ({ status }) => `${status}`,
    (error: unknown) => `${url}: ${inspect(error)}`,
  );
}
