// @ts-check
/** The built gateway as a process of its own, which can be stopped and started again at the same address. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SERVER = fileURLToPath(new URL("../../gateway/dist/server.js", import.meta.url));

/**
 * @typedef {object} GatewayProcess
 * @property {string} origin
 * @property {() => boolean} isRunning
 * @property {() => Promise<void>} start resolves when it listens
 * @property {() => Promise<void>} stop resolves when it is gone
 */

/**
 * Starts the gateway and resolves when it listens.
 *
 * @param {Readonly<Record<string, string | undefined>>} settings added to this process's environment
 * @param {(line: string) => void} print hears each line that the gateway prints
 * @param {string} program the gateway to run, this build's where none is given
 * @returns {Promise<GatewayProcess>}
 * @throws {Error} where it ends instead of listening; what it says of the reason goes to this process's stderr.
 */
export async function startGatewayProcess(settings, print, program = SERVER) {
  let running = await launch(settings, print, program);
  const { origin } = running;
  const port = new URL(origin).port;
  const isRunning = () => running.child.exitCode === null && running.child.signalCode === null;
  return {
    origin,
    isRunning,
    async start() {
      if (!isRunning()) running = await launch({ ...settings, GATEWAY_PORT: port }, print, program);
    },
    async stop() {
      if (!isRunning()) return;
      const gone = once(running.child, "exit");
      running.child.kill("SIGTERM");
      await gone;
    },
  };
}

/**
 * @param {Readonly<Record<string, string | undefined>>} settings
 * @param {(line: string) => void} print
 * @param {string} program
 */
async function launch(settings, print, program) {
  const child = spawn(process.execPath, [program], {
    env: { ...process.env, ...settings },
    stdio: ["ignore", "pipe", "inherit"],
  });
  // No gateway outlives the process that started it.
  const end = () => child.kill();
  process.once("exit", end);
  child.once("exit", () => process.removeListener("exit", end));
  const lines = createInterface({ input: child.stdout });
  lines.on("line", print);
  const listening = new Promise((resolve) => {
    lines.on("line", (line) => {
      // A line of its own, or, where customers are configured, the message of a line of JSON.
      const [, origin] = /(?:^|"msg":")Gateway listening on ([^\s"]+)/.exec(line) ?? [];
      if (origin) resolve(origin);
    });
  });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`The gateway ended with exit code ${code} instead of listening`);
  });
  const origin = /** @type {string} */ (await Promise.race([listening, ended]));
  // From here on its end is what `isRunning` tells.
  ended.catch(() => {});
  return { child, origin };
}
