// @ts-check
/** A measured program as a process of its own, which tells what it has used. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { undoAtExit } from "./cleanup.mjs";

/** The built gateway. */
export const GATEWAY = fileURLToPath(new URL("../../dist/server.js", import.meta.url));

const PROBE = new URL("probe.mjs", import.meta.url).href;

/** A program that does not do in this time what it was told to has failed, in milliseconds. */
const PATIENCE_MS = 60_000;

/** @typedef {import("./probe.mjs").Usage} Usage */

/**
 * @typedef {object} ServerProcess
 * @property {string} origin
 * @property {() => Promise<Usage>} usage what it has used since it began
 * @property {() => Promise<Usage>} collect the same, after its garbage was collected
 * @property {() => Promise<void>} stop resolves when it is gone
 */

/**
 * Starts a program and resolves when it listens. What it prints goes to a file, as a service's log does: were it piped, this
 * process would have to read the log while it makes the load.
 *
 * @param {string} program
 * @param {Readonly<Record<string, string>>} settings added to this process's environment
 * @returns {Promise<ServerProcess>}
 * @throws {Error} where it ends instead; what it says of the reason goes to this process's stderr.
 */
export async function startServer(program, settings = {}) {
  const directory = mkdtempSync(path.join(tmpdir(), "availability-bridge-bench-"));
  const output = openSync(path.join(directory, "log"), "w");
  const child = spawn(process.execPath, ["--expose-gc", "--import", PROBE, program], {
    env: { ...process.env, ...settings },
    stdio: ["ignore", output, "inherit", "ipc"],
  });
  closeSync(output);
  // No server outlives a measurement that failed.
  const end = () => {
    child.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  };
  const forget = undoAtExit(end);
  const gone = once(child, "exit");
  const [{ address }] = await Promise.race([
    once(child, "message"),
    gone.then(([code]) => {
      throw new Error(`The server ended with exit code ${code} instead of listening`);
    }),
    outOfPatience(`${program} does not listen`),
  ]);
  return {
    origin: `http://127.0.0.1:${address.port}`,
    usage: () => ask(child, "usage"),
    collect: () => ask(child, "collect"),
    async stop() {
      child.kill("SIGTERM");
      await Promise.race([gone, outOfPatience(`${program} does not end`)]);
      forget();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/**
 * @param {string} what
 * @returns {Promise<never>}
 */
function outOfPatience(what) {
  return new Promise((_, reject) => {
    setTimeout(() => reject(new Error(`${what} within ${PATIENCE_MS} ms`)), PATIENCE_MS).unref();
  });
}

/**
 * @param {import("node:child_process").ChildProcess} child
 * @param {"usage" | "collect"} question
 * @returns {Promise<Usage>}
 */
async function ask(child, question) {
  const answer = once(child, "message");
  child.send(question);
  const [usage] = await Promise.race([answer, outOfPatience("The server does not tell what it uses")]);
  return usage;
}
