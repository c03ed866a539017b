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

const sockets = await Promise.all(
  Array.from({ length: connections }, async () => {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    return socket;
  }),
);

/** Reads the response to one request on a connection, and returns its status. */
async function readOnce(/** @type {import("node:net").Socket} */ socket) {
  socket.write(request);
  let head = "";
  let left = Number.POSITIVE_INFINITY;
  for (;;) {
    const [chunk] = await once(socket, "data");
    if (left !== Number.POSITIVE_INFINITY) left -= chunk.length;
    else {
      head += chunk.toString("latin1");
      const end = head.indexOf("\r\n\r\n");
      const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
      if (end >= 0) left = end + 4 + Number(length) - head.length;
    }
    if (left <= 0) return Number(head.slice(9, 12));
  }
}

parentPort?.on("message", async (/** @type {number} */ count) => {
  let left = count;
  const failures = [];
  await Promise.all(
    sockets.map(async (socket) => {
      for (; left > 0; ) {
        left -= 1;
        const status = await readOnce(socket);
        if (status !== 200) failures.push(status);
      }
    }),
  );
  parentPort?.postMessage(failures);
});
parentPort?.postMessage([]);
