/** The widget's site with its possible faults: the server's, and those of the backend behind the widget. */
import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createGateway } from "../../gateway/app.ts";
import type { BuiltFiles } from "../../gateway/assets/built-files.ts";
import { testCustomers } from "../../gateway/test/test-gateway.ts";

/** Behaviours of the backend. */
export const BACKEND_MODES = [
  "answers",
  /** Sends no response until the mode changes. */
  "holds",
  /** 503, then 200, in turn. */
  "is busy",
  "resets",
  /** Closes the connection in the middle of the body. */
  "cuts",
  /** 429 with `Retry-After`. */
  "limits",
  "redirects",
  "garbles",
] as const;
export type BackendMode = (typeof BACKEND_MODES)[number];

export interface WidgetSite {
  readonly origin: string;
  setBackend(mode: BackendMode): void;
  /** Refuses new connections and closes open connections. */
  refuse(): Promise<void>;
  /** Accepts connections again, at the same address. */
  accept(): Promise<void>;
}

export interface WidgetSiteOptions {
  readonly files: BuiltFiles;
  readonly allowedOrigin: string;
}

/** Starts a widget's site on a free port of 127.0.0.1. */
export async function startWidgetSite({ files, allowedOrigin }: WidgetSiteOptions): Promise<WidgetSite> {
  const gateway = createGateway({
    customers: await testCustomers({ allowedOrigins: [allowedOrigin] }),
    files,
    onDefect: console.error,
  });
  const serveRest = getRequestListener(gateway.fetch);
  const backend = createBackend();
  const server = createServer((request, response) => {
    const body = bodyFor(request.url ?? "");
    if (body !== undefined) backend.answer(body, response);
    else if (request.url?.startsWith("/elsewhere"))
      response.setHeader("content-type", "text/html").end("<title>Elsewhere</title>");
    else void serveRest(request, response);
  });
  // A run beyond the time limit leaves the site open.
  server.unref();
  const listen = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    setBackend: backend.setMode,
    refuse: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    accept: () => listen(port),
  };
}

/** Builds the normal response to a read, for one user or for a batch. */
function bodyFor(url: string): string | undefined {
  const [, userId] = /^\/v1\/users\/(\d+)\/availability$/.exec(url) ?? [];
  if (userId !== undefined) return JSON.stringify(availabilityOf(Number(userId)));
  const [, userIds] = /^\/v1\/availabilities\?userIds=([\d,]+)$/.exec(url) ?? [];
  if (userIds === undefined) return undefined;
  const availabilities = Object.fromEntries(userIds.split(",").map((id) => [id, availabilityOf(Number(id))]));
  return JSON.stringify({ availabilities, errors: {} });
}

function availabilityOf(userId: number) {
  return { userId, status: "available", version: 7 };
}

interface Backend {
  setMode(mode: BackendMode): void;
  /** Responds to a read. `body` is the normal response. */
  answer(body: string, response: ServerResponse): void;
}

function createBackend(): Backend {
  let mode: BackendMode = "answers";
  let calls = 0;
  const held = new Map<ServerResponse, string>();

  function fulfil(body: string, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "application/json" }).end(body);
  }

  const answers: Readonly<Record<BackendMode, (body: string, response: ServerResponse) => void>> = {
    answers: fulfil,
    holds: (body, response) => held.set(response, body),
    "is busy"(body, response) {
      calls += 1;
      if (calls % 2 === 0) fulfil(body, response);
      else response.writeHead(503, { "content-type": "application/json" }).end('{"title":"Busy"}');
    },
    resets: (_body, response) => response.destroy(),
    cuts(_body, response) {
      response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
      response.write('{"userId":', () => response.destroy());
    },
    limits: (_body, response) =>
      response.writeHead(429, { "content-type": "application/json", "retry-after": "1" }).end('{"title":"Too many"}'),
    redirects: (_body, response) => response.writeHead(302, { location: "/elsewhere" }).end(),
    garbles: (_body, response) => response.writeHead(200, { "content-type": "text/html" }).end("<title>Hm</title>"),
  };
  return {
    setMode(next) {
      mode = next;
      calls = 0;
      for (const [response, body] of held) fulfil(body, response);
      held.clear();
    },
    answer: (body, response) => answers[mode](body, response),
  };
}
