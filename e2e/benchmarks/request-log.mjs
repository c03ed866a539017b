// @ts-check
/**
 * A proxy that notes what passes through it. It adds a hop, so nothing is timed through it: it stands in front of a
 * gateway for one navigation that is counted and not measured.
 */
import { once } from "node:events";
import { createServer, request as forward } from "node:http";

/**
 * @typedef {object} LoggedRequest
 * @property {string} path
 * @property {number} startedAt in milliseconds on the process's monotonic clock
 * @property {number} endedAt
 */

/**
 * @typedef {object} LoggingProxy
 * @property {string} origin
 * @property {readonly LoggedRequest[]} requests in the order in which they ended
 * @property {() => void} close
 */

/**
 * @param {string} target the origin that answers
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
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(response);
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
 * The longest chain of requests of which each began when the one before it had ended.
 *
 * @param {readonly LoggedRequest[]} requests
 * @returns {LoggedRequest[]}
 */
export function longestChain(requests) {
  const sorted = [...requests].sort((a, b) => a.endedAt - b.endedAt);
  /** @type {LoggedRequest[]} */
  const chain = [];
  // The request that ends first among those that can follow leaves the most room for the next.
  for (const request of sorted) if (request.startedAt >= (chain.at(-1)?.endedAt ?? 0)) chain.push(request);
  return chain;
}
