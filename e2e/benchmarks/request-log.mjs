// @ts-check
/**
 * A logging proxy. The proxy adds a hop, so benchmarks take no times through the proxy. The proxy stands in front of a
 * gateway for a single counted navigation.
 */
import { once } from "node:events";
import { createServer, request as forward } from "node:http";

/** Delay of each response in milliseconds, so that two independent requests overlap. */
const HOLD_MS = 250;

/**
 * @typedef {object} LoggedRequest
 * @property {string} path
 * @property {number} startedAt in milliseconds on the process's monotonic clock
 * @property {number} endedAt
 */

/**
 * @typedef {object} LoggingProxy
 * @property {string} origin
 * @property {readonly LoggedRequest[]} requests in order of the end times
 * @property {() => void} close
 */

/**
 * @param {string} target origin of the upstream server
 * @returns {Promise<LoggingProxy>}
 */
export async function startLoggingProxy(target) {
  /** @type {LoggedRequest[]} */
  const requests = [];
  const server = createServer((incoming, response) => {
    const startedAt = performance.now();
    const { method, url: path = "/", headers } = incoming;
    response.once("finish", () => requests.push({ path, startedAt, endedAt: performance.now() }));
    const outgoing = forward(`${target}${path}`, { method, headers }, (answer) => {
      setTimeout(() => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      }, HOLD_MS);
    });
    outgoing.once("error", () => response.destroy());
    incoming.pipe(outgoing);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    origin: `http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`,
    requests,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/**
 * Finds the longest chain of requests in which every request began after the end of the predecessor.
 *
 * @param {readonly LoggedRequest[]} requests
 * @returns {LoggedRequest[]}
 */
export function longestChain(requests) {
  const sorted = [...requests].sort((a, b) => a.endedAt - b.endedAt);
  /** @type {LoggedRequest[]} */
  const chain = [];
  // Of the possible successors, the request with the earliest end leaves the most room for the next.
  for (const request of sorted) if (request.startedAt >= (chain.at(-1)?.endedAt ?? 0)) chain.push(request);
  return chain;
}
