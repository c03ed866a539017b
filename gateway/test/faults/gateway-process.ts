/** Runs the built gateway, as it is deployed, on a free port for a test. */
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { fileURLToPath } from "node:url";
import { inspect } from "node:util";
import { expect } from "vitest";
import { findFreePort } from "../../../scripts/testing/local-server.ts";
import { openRequest } from "./gateway-client.ts";
import { type ProcessEnd, type RunningProcess, startProcess } from "./running-process.ts";

export interface GatewayProcessOptions {
  readonly environment: Readonly<Record<string, string>>;
  /** Path of the gateway's program. @default that of the present build */
  readonly program?: string;
  /** @default the test's process */
  readonly directory?: string;
  /** A shell command that the process runs before the gateway's program. @default no command */
  readonly shell?: string;
  /** Certificate of the gateway's port, whose paths are in the environment. @default the port has no TLS */
  readonly certificate?: string;
}

export interface GatewayProcess {
  readonly origin: string;
  /** Certificate of the port; absent without TLS. */
  readonly certificate?: string;
  readonly port: number;
  /** Settings of the first start. */
  readonly environment: Readonly<Record<string, string>>;
  pid(): number;
  /** Lines that the gateway has written since it was started. */
  lines(): readonly string[];
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
  const { certificate } = options;
  const origin = `${certificate === undefined ? "http" : "https"}://127.0.0.1:${port}`;
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
    await expect.poll(() => readHealth(running, `${origin}/healthz`, certificate)).toBe("200");
  }

  await start();
  return {
    origin,
    ...(certificate !== undefined && { certificate }),
    port,
    environment: options.environment,
    pid: () => running.pid,
    lines: () => running.output,
    start,
    kill: async () => void (await running.end()),
    terminate() {
      running.kill("SIGTERM");
      return running.ended();
    },
  };
}

/** Reads the status of the response, or the reason if there is none. @throws {Error} if the process has ended. */
async function readHealth(running: RunningProcess, url: string, ca: string | undefined): Promise<string> {
  if (!running.isRunning()) throw new Error(`The gateway has ended: ${running.output.join("\n")}`);
  const request = openRequest(url, { agent: false, ca });
  request.end();
  try {
    const [response]: IncomingMessage[] = await once(request, "response");
    response?.resume();
    return `${response?.statusCode}`;
  } catch (error) {
    return `${url}: ${inspect(error)}`;
  }
}
