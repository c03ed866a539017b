/** HTTP servers of the tests, on free ports of this machine. */
import { randomInt } from "node:crypto";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

export interface LocalServer {
  readonly port: number;
  /** Closes the server and its open connections. */
  close(): Promise<void>;
}

/**
 * Starts a server that responds with the given function, and resolves when the server listens. Port 0 picks a free
 * port.
 */
export async function listen(
  host: "localhost" | "127.0.0.1",
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  port = 0,
): Promise<LocalServer> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Folder with a file for each port that a test of this machine has found. */
const RESERVATIONS = path.join(tmpdir(), "availability-bridge-ports");

/** Time for which a port belongs to the test that has found the port, in milliseconds. No test takes longer. */
const RESERVED_MS = 3_600_000;

/**
 * Finds a port that is free on every address of this machine, and stays free until the caller uses the port, and while a
 * server is restarted there: below the range that systems assign to outgoing connections and to servers on port 0, above
 * 10080, the highest port that `fetch` and browsers refuse (https://fetch.spec.whatwg.org/#port-blocking), and found by no
 * other test at the same time.
 */
export async function findFreePort(): Promise<number> {
  for (;;) {
    const port = randomInt(11_000, 32_000);
    if (!reserve(port)) continue;
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}

/** Reserves a port for this process. Returns false if a test has found the port within `RESERVED_MS`. */
function reserve(port: number): boolean {
  mkdirSync(RESERVATIONS, { recursive: true });
  const file = path.join(RESERVATIONS, `${port}`);
  const { mtimeMs = Number.POSITIVE_INFINITY } = statSync(file, { throwIfNoEntry: false }) ?? {};
  if (mtimeMs < Date.now() - RESERVED_MS) rmSync(file, { force: true });
  try {
    writeFileSync(file, "", { flag: "wx" });
    return true;
  } catch (error) {
    if (Object(error).code === "EEXIST") return false;
    throw error;
  }
}
