// @ts-check
/** Runs the built gateway as a separate process, which can be stopped and started again at the same address. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SERVER = fileURLToPath(new URL("../../gateway/dist/server.js", import.meta.url));

/**
 * @typedef {object} GatewayProcess
 * @property {string} origin
 * @property {() => boolean} isRunning
 * @property {() => Promise<void>} start resolves when the gateway listens
 * @property {() => Promise<void>} stop resolves when the process has ended
 */

/**
 * Starts the gateway and resolves when the gateway listens.
 *
 * @param {Readonly<Record<string, string | undefined>>} settings added to the environment of the process
 * @param {(line: string) => void} print called with each line of the gateway's output
 * @param {string} program the gateway to run, by default that of the present build
 * @returns {Promise<GatewayProcess>}
 * @throws {Error} if the gateway ends instead of listening. The gateway prints the reason to stderr.
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
      const exited = once(running.child, "exit");
      running.child.kill("SIGTERM");
      await exited;
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
  // The gateway ends with the process that started it.
  const kill = () => child.kill();
  process.once("exit", kill);
  child.once("exit", () => process.removeListener("exit", kill));
  const lines = createInterface({ input: child.stdout });
  lines.on("line", print);
  const listening = new Promise((resolve) => {
    lines.on("line", (line) => {
      // Either a plain line or, if customers are configured, the message of a line of JSON.
      const [, origin] = /(?:^|"msg":")Gateway listening on ([^\s"]+)/.exec(line) ?? [];
      if (origin) resolve(origin);
    });
  });
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`The gateway ended with exit code ${code} instead of listening`);
  });
  const origin = /** @type {string} */ (await Promise.race([listening, ended]));
  // Once the gateway has listened, `isRunning` reports its end.
  ended.catch(() => {});
  return { child, origin };
}
