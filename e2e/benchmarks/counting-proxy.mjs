// @ts-check
/** A proxy of connections that counts their bytes, heads of requests and responses included. */
import { once } from "node:events";
import { connect, createServer } from "node:net";

/**
 * @typedef {object} Counts
 * @property {number} connections
 * @property {number} toGateway bytes from the browser
 * @property {number} toBrowser bytes from the gateway
 */

/**
 * @typedef {object} CountingProxy
 * @property {string} origin
 * @property {() => Counts} read counts since the proxy's start
 * @property {() => void} close
 */

/**
 * @param {string} target origin of the gateway
 * @returns {Promise<CountingProxy>}
 */
export async function startCountingProxy(target) {
  const { hostname: host, port } = new URL(target);
  const counts = { connections: 0, toGateway: 0, toBrowser: 0 };
  /** @type {Set<import("node:net").Socket>} */
  const sockets = new Set();
  const server = createServer((browser) => {
    counts.connections += 1;
    const gateway = connect({ host, port: Number(port) });
    browser.on("data", ({ length }) => {
      counts.toGateway += length;
    });
    gateway.on("data", ({ length }) => {
      counts.toBrowser += length;
    });
    browser.pipe(gateway).pipe(browser);
    for (const socket of [browser, gateway]) {
      sockets.add(socket);
      // A browser that closes resets its connections.
      socket.on("error", () => {
        browser.destroy();
        gateway.destroy();
      });
      socket.on("close", () => sockets.delete(socket));
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    read: () => ({ ...counts }),
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
