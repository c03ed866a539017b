// @ts-check
/** Free ports of this machine, for tests and benchmarks that run side by side. */
import { randomInt } from "node:crypto";
import { mkdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

/** Folder with a file for each port that a process of this machine has found. */
const RESERVATIONS = path.join(tmpdir(), "availability-bridge-ports");

/** Time for which a port belongs to the process that has found the port, in milliseconds. No test takes longer. */
const RESERVED_MS = 3_600_000;

/**
 * Finds a port that is free on every address of this machine, and stays free until the caller uses the port, and while a
 * server is restarted there: below the range that systems assign to outgoing connections and to servers on port 0, above
 * 10080, the highest port that `fetch` and browsers refuse (https://fetch.spec.whatwg.org/#port-blocking), and found by no
 * other process at the same time.
 *
 * @returns {Promise<number>}
 */
export async function findFreePort() {
  for (;;) {
    const port = randomInt(11_000, 32_000);
    if (!reserve(port)) continue;
    const server = createServer();
    const isFree = await new Promise((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
}

/**
 * Returns the path of the file that reserves a port.
 *
 * @param {number} port
 */
export function toReservation(port) {
  return path.join(RESERVATIONS, `${port}`);
}

/**
 * Reserves a port for this process. Returns false if a process has found the port within `RESERVED_MS`.
 *
 * @param {number} port
 */
function reserve(port) {
  mkdirSync(RESERVATIONS, { recursive: true });
  const file = toReservation(port);
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
