/**
 * nginx in front of a gateway, as it may stand in front of anybody's: unless it is told otherwise, it asks by HTTP/1.0, and
 * holds back what it is given until it has a buffer full.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findServer } from "../scripts/servers.mjs";
import { findFreePort } from "./local-server.ts";

export interface BufferingProxy {
  readonly origin: string;
  /** Passes on everything as it comes, from the next connection on. */
  stopBuffering(): Promise<void>;
  close(): Promise<void>;
}

/** Whether this machine has what it takes. `scripts/servers.mjs` says what is skipped for want of it. */
export const canBuffer = findServer("nginx") !== undefined;

/** Starts the proxy before the gateway at this origin. */
export async function startBufferingProxy(gateway: string): Promise<BufferingProxy> {
  const directory = await mkdtemp(join(tmpdir(), "buffering-"));
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const path = join(directory, "nginx.conf");
  const configure = (buffering: "on" | "off") =>
    writeFile(path, toConfiguration({ directory, port, gateway, buffering }));
  await configure("on");
  const child = spawn(findServer("nginx") ?? "nginx", ["-p", directory, "-c", path, "-e", `${directory}/error.log`]);
  const ended = once(child, "exit");
  await answers(origin, "on", child);
  return {
    origin,
    async stopBuffering() {
      await configure("off");
      child.kill("SIGHUP");
      await answers(origin, "off", child);
    },
    async close() {
      child.kill("SIGTERM");
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

interface Configuration {
  readonly directory: string;
  readonly port: number;
  readonly gateway: string;
  readonly buffering: "on" | "off";
}

function toConfiguration({ directory, port, gateway, buffering }: Configuration): string {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return `
    daemon off;
    worker_processes 1;
    pid ${directory}/nginx.pid;
    events {}
    http {
      ${kinds.map((kind) => `${kind}_temp_path ${directory}/${kind};`).join(" ")}
      access_log off;
      server {
        listen 127.0.0.1:${port};
        location / {
          proxy_pass ${gateway};
          proxy_buffering ${buffering};
          # The gateway's own word against it, which not every proxy heeds.
          proxy_ignore_headers X-Accel-Buffering;
          add_header X-Buffering ${buffering} always;
        }
      }
    }`;
}

/** Resolves once the proxy answers as it is configured. */
async function answers(origin: string, buffering: "on" | "off", child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const answer = await fetch(`${origin}/healthz`, { headers: { connection: "close" } }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.headers.get("x-buffering") === buffering) return;
    // nginx tells nobody that it listens: it is asked again, until it answers or has ended.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error("nginx has ended");
}
