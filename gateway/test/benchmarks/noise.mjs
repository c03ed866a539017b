// @ts-check
/**
 * A thread that reads lists over many connections. The responses are counted and thrown away, in a thread of their own so
 * that they do not delay the reads that are measured meanwhile.
 */
import { once } from "node:events";
import { connect } from "node:net";
import { parentPort, workerData } from "node:worker_threads";

/** @typedef {{ port: number, connections: number, request: string }} Noise */

/** @type {Noise} */
const { port, connections, request } = workerData;

/** Opens a connection, and returns a function that sends the request and resolves with the status of the response. */
async function openLane() {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  await once(socket, "connect");
  let head = "";
  /** Bytes of the response that have not come; `undefined` before the end of its head. */
  let left = /** @type {number | undefined} */ (undefined);
  let resolve = (/** @type {number} */ _status) => {};
  socket.on("close", () => resolve(0));
  socket.on("data", (chunk) => {
    if (left === undefined) {
      head += chunk.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      if (end < 0) return;
      left = end + 4 + Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1]) - head.length;
    } else left -= chunk.length;
    if (left <= 0) resolve(Number(head.slice(9, 12)));
  });
  return () =>
    new Promise((/** @type {(status: number) => void} */ done, reject) => {
      [head, left, resolve] = ["", undefined, done];
      if (socket.destroyed) reject(new Error("The gateway closed a connection"));
      else socket.write(request);
    });
}

const lanes = await Promise.all(Array.from({ length: connections }, openLane));

/** @param {number} count */
async function makeNoise(count) {
  let left = count;
  /** @type {number[]} */
  const failures = [];
  await Promise.all(
    lanes.map(async (read) => {
      for (; left > 0; ) {
        left -= 1;
        const status = await read();
        if (status !== 200) failures.push(status);
      }
    }),
  );
  parentPort?.postMessage(failures);
}

parentPort?.on("message", (/** @type {number} */ count) => void makeNoise(count));
parentPort?.postMessage([]);
