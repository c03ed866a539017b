// @ts-check
/** Proxy between the demo page and the gateway, for faults of the backend. */
import { createServer, request } from "node:http";

/** Delay of each call while the backend is slow, in milliseconds: within the timeout of a request. */
const SLOW_MS = 3_000;

/**
 * @typedef {"none" | "slow" | "failing" | "unreachable"} Fault `slow` delays the widget's calls, `failing` answers them with 503, and
 *   `unreachable` breaks off all connections.
 */

/** @type {readonly string[]} */
export const FAULTS = ["none", "slow", "failing", "unreachable"];

/**
 * Starts the proxy at a free port of 127.0.0.1.
 *
 * @param {string} target the gateway's origin
 * @returns {Promise<{ origin: string, fault: () => Fault, setFault: (fault: Fault) => void, close: () => void }>}
 */
export function startFaultyProxy(target) {
  /** @type {Fault} */
  let fault = "none";
  /** @type {Set<import("node:net").Socket>} */
  const sockets = new Set();
  const server = createServer((incoming, response) => {
    const isCall = incoming.url?.includes("/v1/");
    if (fault === "unreachable") return void incoming.socket.destroy();
    if (fault === "failing" && isCall) {
      const problem = {
        type: "about:blank",
        title: "Service Unavailable",
        status: 503,
        detail: "The demo plays a fault",
      };
      response.writeHead(503, { "content-type": "application/problem+json" }).end(JSON.stringify(problem));
      return;
    }
    if (fault === "slow" && isCall) setTimeout(relay, SLOW_MS);
    else relay();

    function relay() {
      const { method, headers, url } = incoming;
      const outgoing = request(new URL(url ?? "/", target), { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        // A stream's first bytes must not wait for more.
        response.flushHeaders();
        answer.pipe(response);
        answer.on("error", () => response.destroy());
      });
      // The gateway is stopped: the page sees the same without the proxy.
      outgoing.on("error", () => incoming.socket.destroy());
      response.on("close", () => outgoing.destroy());
      incoming.pipe(outgoing);
    }
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    // A page may leave in the middle of an answer.
    socket.on("error", () => socket.destroy());
  });
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      if (typeof address !== "object" || !address) throw new Error("The proxy has no port");
      resolve({
        origin: `http://127.0.0.1:${address.port}`,
        fault: () => fault,
        setFault(next) {
          fault = next;
          // A fault must reach calls in flight and the stream, too.
          if (next === "unreachable" || next === "failing") for (const socket of sockets) socket.destroy();
        },
        close() {
          server.close();
          for (const socket of sockets) socket.destroy();
        },
      });
    });
  });
}
