// @ts-check
/**
 * The benchmark's pages on two sites, `localhost` and `127.0.0.1`, and the endpoint to which pages post their
 * measurements.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";

/** Cross-origin isolation. Without isolation a page's clock is coarse. */
const ISOLATED = {
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Embedder-Policy": "require-corp",
  "Cross-Origin-Resource-Policy": "cross-origin",
};

/** Time limit of a measurement, in milliseconds. A longer measurement has failed. */
const PATIENCE_MS = 60_000;

/**
 * @typedef {object} BenchSite
 * @property {string} origin
 * @property {(path: string, html: string, options?: { isolated?: boolean }) => void} add
 * @property {(path: string) => Promise<unknown>} reportOf the next report that the page posts to `<path>/report`
 * @property {() => void} close
 */

/**
 * @param {"localhost" | "127.0.0.1"} host
 * @returns {Promise<BenchSite>}
 */
export async function serveSite(host) {
  /** @type {Map<string, { html: string, headers: Record<string, string> }>} */
  const pages = new Map();
  /** @type {Map<string, (report: unknown) => void>} */
  const waiting = new Map();
  const server = createServer((request, response) => {
    const url = request.url ?? "/";
    if (request.method === "POST") {
      void text(request).then((report) => waiting.get(url)?.(JSON.parse(report)));
      response.end();
      return;
    }
    const page = pages.get(url);
    response
      .writeHead(page ? 200 : 404, { "Content-Type": "text/html; charset=utf-8", ...page?.headers })
      .end(page?.html);
  });
  server.listen(0, host);
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return {
    origin: `http://${host}:${port}`,
    add: (path, html, { isolated = false } = {}) => void pages.set(path, { html, headers: isolated ? ISOLATED : {} }),
    reportOf: (path) =>
      new Promise((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error(`${path} reported nothing`)), PATIENCE_MS);
        waiting.set(`${path}/report`, (report) => {
          clearTimeout(timer);
          resolve(report);
        });
      }),
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}
