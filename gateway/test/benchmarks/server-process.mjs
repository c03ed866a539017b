// @ts-check
/** Runs a measured program as a separate process that reports its used resources. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, existsSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { undoAtExit } from "./cleanup.mjs";

/** The built gateway. */
export const GATEWAY = fileURLToPath(new URL("../../dist/server.js", import.meta.url));

/**
 * Returns the program of another built checkout.
 *
 * @param {string} checkout
 * @throws {Error} if the checkout is not built.
 */
export function gatewayOf(checkout) {
  const program = path.resolve(checkout, "gateway/dist/server.js");
  if (!existsSync(program)) throw new Error(`--before: expected a checkout with ${program}`);
  return program;
}

const PROBE = new URL("probe.mjs", import.meta.url).href;

/** Time in which a program has to do a command, in milliseconds. A slower program has failed. */
const PATIENCE_MS = 60_000;

/** @typedef {import("./probe.mjs").Usage} Usage */

/**
 * @typedef {object} ServerProcess
 * @property {string} origin
 * @property {() => Promise<Usage>} usage used resources since the start
 * @property {() => Promise<Usage>} collect the same, after garbage collection
 * @property {() => Promise<void>} stop resolves when the process has ended
 */

/**
 * Starts a program and resolves when the program listens. Its output goes to a file, as a service's log does: a pipe
 * would make the present process read the log while it makes the load.
 *
 * @param {string} program
 * @param {Readonly<Record<string, string>>} settings added to the environment of the process
 * @returns {Promise<ServerProcess>}
 * @throws {Error} if the program ends instead. Its reason goes to stderr.
 */
export async function startServer(program, settings = {}) {
  const directory = mkdtempSync(path.join(tmpdir(), "availability-bridge-bench-"));
  const output = openSync(path.join(directory, "log"), "w");
  const child = spawn(process.execPath, ["--expose-gc", "--import", PROBE, program], {
    env: { ...process.env, ...settings },
    stdio: ["ignore", output, "inherit", "ipc"],
  });
  closeSync(output);
  // The server ends even if its measurement fails.
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
