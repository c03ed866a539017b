// @ts-check
/** Runs a Redis for a measurement, and reads what it has used. */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { findFreePort } from "../../../scripts/testing/free-port.mjs";
import { undoAtExit } from "./cleanup.mjs";

/**
 * @typedef {object} RedisUsage
 * @property {number} cpuMs processor time since the start
 * @property {number} scripts number of scripts since the start
 * @property {number} reads number of reads of a stream since the start
 */

/** Starts a Redis on a free port without persistence; `undefined` if Redis is not installed. */
export async function startRedis() {
  const port = await findFreePort();
  const directory = mkdtempSync(path.join(tmpdir(), "availability-bridge-bench-"));
  const child = spawn("redis-server", ["--port", `${port}`, "--save", "", "--dir", directory], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const forget = undoAtExit(() => {
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });
  const gone = once(child, "exit");
  const isReady = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on("line", (line) => {
      if (line.includes("Ready to accept connections")) resolve(true);
    });
  });
  const isMissing = once(child, "error").then(() => false);
  // The caller who awaits the process handles its end.
  gone.catch(() => {});
  if (!(await Promise.race([isReady, isMissing]))) return undefined;
  return {
    url: `redis://127.0.0.1:${port}`,
    usedBytes: () => readNumber(readInfo(port, "memory"), /used_memory:(\d+)/),
    /** @returns {RedisUsage} */
    usage() {
      const cpu = readInfo(port, "cpu");
      const commands = readInfo(port, "commandstats");
      const user = readNumber(cpu, /used_cpu_user:([\d.]+)/);
      const system = readNumber(cpu, /used_cpu_sys:([\d.]+)/);
      return {
        cpuMs: (user + system) * 1000,
        scripts: readNumber(commands, /cmdstat_evalsha:calls=(\d+)/),
        reads: readNumber(commands, /cmdstat_xread:calls=(\d+)/),
      };
    },
    async stop() {
      child.kill("SIGTERM");
      await gone;
      forget();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * @param {number} port
 * @param {string} section
 */
function readInfo(port, section) {
  return execFileSync("redis-cli", ["-p", `${port}`, "info", section], { encoding: "utf8" });
}

/**
 * @param {string} info
 * @param {RegExp} pattern
 * @returns {number} 0 if Redis has counted nothing yet
 */
function readNumber(info, pattern) {
  return Number(pattern.exec(info)?.[1] ?? 0);
}
