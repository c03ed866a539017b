/** Pages of the kit, at an origin that the other side knows. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { BrowserContext } from "playwright-core";
import { CommandError } from "../command.ts";

const LOOPBACK = ["localhost", "127.0.0.1", "[::1]"];

/** Remedy for a port that the kit cannot have. */
const OTHER_ORIGIN = "or let the widget allow another origin, and give that origin by --origin";

/** A site with one document, which is at each of its paths. */
export interface KitSite {
  readonly origin: string;
  /** Prepares a browser context for the site. */
  prepare(context: BrowserContext): Promise<void>;
  close(): Promise<void>;
}

/**
 * Serves a document at an origin. At an origin of this machine a server does; at every other the browser is given the document without asking
 * the network, so that the kit can be the page of a real customer's origin. Port 0 picks a free port.
 *
 * @throws {CommandError} if the port is taken; the message says what to do.
 */
export async function openKitSite(origin: string, html: string): Promise<KitSite> {
  const { hostname, port, protocol } = new URL(origin);
  if (protocol !== "http:" || !LOOPBACK.includes(hostname)) return openFulfilledSite(origin, html);
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "text/html; charset=utf-8" }).end(html);
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error) => {
      const { code, message } = Object(error);
      const fault = code === "EADDRINUSE" ? "is taken: stop what uses the port" : `cannot be used (${code ?? message})`;
      reject(new CommandError(`--origin: port ${port || 80} of ${hostname} ${fault}, ${OTHER_ORIGIN}`));
    });
    server.listen(Number(port || 80), hostname.replace(/^\[|\]$/g, ""), resolve);
  });
  const { port: opened } = server.address() as AddressInfo;
  return {
    origin: port === "0" ? `http://${hostname}:${opened}` : origin,
    prepare: async () => {},
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function openFulfilledSite(origin: string, html: string): KitSite {
  return {
    origin,
    async prepare(context) {
      await context.route(`${origin}/**`, (route) =>
        route.fulfill({ contentType: "text/html; charset=utf-8", body: html }),
      );
    },
    close: async () => {},
  };
}
