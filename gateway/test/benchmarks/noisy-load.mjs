// @ts-check
/** The load of the measurement with a noisy customer: the reads of the calm customer, lists, and changes. */
import { once } from "node:events";
import { Agent, request } from "node:http";
import { Worker } from "node:worker_threads";
import { toRequest } from "./load.mjs";
import { authorize } from "./settings.mjs";

/** Time between two reads of the calm customer, in milliseconds. */
export const INTERVAL_MS = 50;

/** The calm customer, which has one agent. */
export const CALM = "idle-0";

const CONNECTIONS = 60;

/**
 * Starts a read at each interval, also while earlier reads wait, until the work is done. Returns the reads' milliseconds.
 *
 * @param {() => Promise<number>} read
 * @param {Promise<unknown>} work
 */
export async function readUntil(read, work) {
  let isOver = false;
  const end = work.finally(() => {
    isOver = true;
  });
  const reads = [];
  while (!isOver) {
    reads.push(read());
    await delay(INTERVAL_MS);
  }
  await end;
  return Promise.all(reads);
}

/** @param {number} milliseconds */
export function delay(milliseconds) {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/**
 * Creates a client that reads one agent of the calm customer: `read` resolves with the milliseconds until the whole response.
 *
 * @param {string} origin
 */
export async function createReader(origin) {
  const headers = await authorize(CALM);
  const agent = new Agent({ keepAlive: true });
  const read = () =>
    new Promise((/** @type {(milliseconds: number) => void} */ resolve, reject) => {
      const startedMs = performance.now();
      const sent = request(`${origin}/c/${CALM}/v1/users/1/availability`, { agent, headers }, (response) => {
        response.resume().on("end", () => resolve(performance.now() - startedMs));
        if (response.statusCode !== 200) reject(new Error(`A read was answered with ${response.statusCode}`));
      });
      sent.on("error", reject).end();
    });
  return { read, close: () => agent.destroy() };
}

/**
 * @param {string} origin
 * @param {Readonly<Record<string, string>>} headers
 */
export async function openNoise(origin, headers) {
  const { bytes } = toRequest("GET /v1/availabilities", { ...(await authorize()), ...headers });
  /** @type {import("./noise.mjs").Noise} */
  const workerData = {
    port: Number(new URL(origin).port),
    connections: CONNECTIONS,
    request: bytes.toString("latin1"),
  };
  const worker = new Worker(new URL("noise.mjs", import.meta.url), { workerData });
  await once(worker, "message");
  return {
    /**
     * Asks for that many lists, and resolves with the number of those that a limit refused.
     *
     * @throws {Error} if a list was answered with anything else.
     */
    async makeNoise(/** @type {number} */ lists) {
      worker.postMessage(lists);
      const [failures] = await once(worker, "message");
      const other = failures.find((/** @type {number} */ status) => status !== 429);
      if (other !== undefined) throw new Error(`A list was answered with ${other}`);
      return failures.length;
    },
    end: () => worker.terminate(),
  };
}

/**
 * Changes one of the noisy customer's agents at each interval until the caller calls the returned function. A change that the
 * busy gateway cannot make in time is answered with 503, and the next one follows.
 *
 * @param {string} origin
 * @param {number} intervalMs
 */
export async function startChanges(origin, intervalMs) {
  const headers = { ...(await authorize()), "Content-Type": "application/json" };
  let isOver = false;
  const changing = (async () => {
    for (let count = 0; !isOver; count += 1) {
      const body = JSON.stringify({ status: count % 2 === 0 ? "other" : "available" });
      const { status } = await fetch(`${origin}/v1/users/1/availability`, { method: "PUT", headers, body });
      if (status !== 200 && status !== 503) throw new Error(`A change was answered with ${status}`);
      await delay(intervalMs);
    }
  })();
  return async () => {
    isOver = true;
    await changing;
  };
}
