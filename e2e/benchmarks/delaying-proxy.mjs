// @ts-check
/**
 * A TCP proxy with the delay of a network's round-trip time. Forwards bytes, so browsers keep and reuse connections as without a proxy.
 */
import { once } from "node:events";
import { connect, createServer } from "node:net";

/**
 * @typedef {object} DelayingProxy
 * @property {string} origin an address new to every browser
 * @property {() => void} close
 */

/**
 * Starts a proxy on a free port of 127.0.0.1.
 *
 * @param {string} target origin of the server behind the proxy
 * @param {number} roundTripMs 0 delays nothing. The first bytes of a connection wait for a further round trip: a network
 * needs the time to open the connection.
 * @returns {Promise<DelayingProxy>}
 */
export async function startDelayingProxy(target, roundTripMs) {
  const { hostname, port } = new URL(target);
  /** @type {Set<import("node:net").Socket>} */
  const sockets = new Set();
  const server = createServer((client) => {
    const upstream = connect(Number(port), hostname);
    forward(client, upstream, roundTripMs / 2, performance.now() + roundTripMs);
    forward(upstream, client, roundTripMs / 2, 0);
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.setNoDelay(true);
      socket.once("close", () => sockets.delete(socket));
      // The browser closes connections at any time.
      socket.once("error", () => socket.destroy());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/**
 * Forwards the bytes and the end of a direction in order, each after the delay.
 *
 * @param {import("node:net").Socket} from
 * @param {import("node:net").Socket} to
 * @param {number} delayMs
 * @param {number} opensAt time of the first possible byte
 */
function forward(from, to, delayMs, opensAt) {
  /** @type {{ dueAt: number, act: () => void }[]} */
  const queue = [];
  /** @param {() => void} act */
  const schedule = (act) => {
    if (delayMs === 0) return act();
    queue.push({ dueAt: Math.max(performance.now(), opensAt) + delayMs, act });
    if (queue.length === 1) wait();
  };
  const wait = () => {
    const [next] = queue;
    if (!next) return;
    setTimeout(() => {
      for (let due = queue[0]; due && due.dueAt <= performance.now(); due = queue[0]) {
        queue.shift();
        due.act();
      }
      wait();
    }, next.dueAt - performance.now());
  };
  from.on("data", (chunk) => schedule(() => void to.write(chunk)));
  from.once("end", () => schedule(() => void to.end()));
  from.once("close", () => schedule(() => void to.destroy()));
}
