/** A customer's site: pages of the test's own making beside the built package, and servers that stand for other sites. */
import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { listen } from "./local-server.ts";

/** A site on `http://localhost:<free port>`. */
export interface HostSite {
  readonly origin: string;
  /** Serves a page from now on and returns its address. */
  serve(html: string, headers?: Readonly<Record<string, string>>): string;
  /** The headers of each request for an address that has reached this site, whatever the browser shows of them. */
  requestsFor(address: string): readonly IncomingHttpHeaders[];
  close(): Promise<void>;
}

const NAMED_FILES: Readonly<Record<string, string>> = {
  "/penpal.js": "node_modules/penpal/dist/penpal.js",
  "/react.js": "node_modules/react/umd/react.development.js",
  "/react-dom.js": "node_modules/react-dom/umd/react-dom.development.js",
  "/plain-penpal.html": "e2e/pages/plain-penpal.html",
};

interface Served {
  readonly body: string | Buffer;
  readonly headers: Readonly<Record<string, string>>;
}

/** Starts a host site. Beside its pages it serves `/dist/…`, the builds of penpal and React, and the plain penpal page. */
export async function startHostSite(): Promise<HostSite> {
  const pages = new Map<string, Served>();
  const requests: { readonly pathname: string; readonly headers: IncomingHttpHeaders }[] = [];
  const { port, close } = await listen("localhost", ({ url = "/", headers }, response) => {
    const { pathname } = new URL(url, "http://localhost");
    requests.push({ pathname, headers });
    const served = pages.get(pathname) ?? readServed(pathname);
    if (served) response.writeHead(200, served.headers).end(served.body);
    else response.writeHead(pathname === "/favicon.ico" ? 204 : 404).end();
  });
  const origin = `http://localhost:${port}`;
  return {
    origin,
    serve(html, headers = {}) {
      const path = `/page-${pages.size}`;
      pages.set(path, { body: html, headers: { "content-type": "text/html; charset=utf-8", ...headers } });
      return `${origin}${path}`;
    },
    requestsFor(address) {
      const { pathname } = new URL(address);
      return requests.filter((request) => request.pathname === pathname).map(({ headers }) => headers);
    },
    close,
  };
}

function readServed(pathname: string): Served | undefined {
  const file = NAMED_FILES[pathname] ?? /^\/(dist\/(?:chunks\/)?[\w-]+\.js)$/.exec(pathname)?.[1];
  if (!file) return undefined;
  return {
    body: readFileSync(file),
    headers: { "content-type": file.endsWith(".html") ? "text/html; charset=utf-8" : "text/javascript" },
  };
}

/** A reverse proxy that shows another site below a path of its own. */
export interface PrefixProxy {
  /** The other site's address here, without a slash at its end. */
  readonly base: string;
  close(): Promise<void>;
}

/** Starts a proxy that shows the site of `target` below `prefix`, without some headers, as an operator's own reverse proxy may. */
export async function startPrefixProxy(
  target: string,
  prefix: string,
  droppedHeaders: readonly string[] = [],
): Promise<PrefixProxy> {
  const { port, close } = await listen("127.0.0.1", ({ url = "/" }, response) => {
    if (url.startsWith(`${prefix}/`)) {
      const address = new URL(url.slice(prefix.length), target);
      // As any proxy does where the site behind it has gone, for example at the end of a test.
      relay(address, response, droppedHeaders).catch(() => response.destroy());
    } else response.writeHead(404).end();
  });
  return { base: `http://127.0.0.1:${port}${prefix}`, close };
}

async function relay(address: URL, response: ServerResponse, droppedHeaders: readonly string[]): Promise<void> {
  const answer = await fetch(address, { redirect: "manual" });
  const connectionHeaders = ["connection", "keep-alive", "transfer-encoding", "content-encoding", "content-length"];
  const unsuitable = new Set([...connectionHeaders, ...droppedHeaders]);
  const headers = [...answer.headers].filter(([name]) => !unsuitable.has(name));
  response.writeHead(answer.status, Object.fromEntries(headers)).end(Buffer.from(await answer.arrayBuffer()));
}
