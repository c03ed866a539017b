/** The widget's site of a run with watches: the real gateway over agents in memory, with faults of each kind of call. */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { getRequestListener } from "@hono/node-server";
import { createGateway } from "../../../gateway/app.ts";
import type { BuiltFiles } from "../../../gateway/assets/built-files.ts";
import type { Access } from "../../../gateway/auth/access.ts";
import { SCOPES } from "../../../gateway/auth/caller.ts";
import { InvalidTokenError } from "../../../gateway/auth/invalid-token-error.ts";
import type { Status } from "../../../gateway/store/agent.ts";
import { createMemoryStore } from "../../../gateway/store/memory-store.ts";
import { createStreamHub } from "../../../gateway/stream/stream-hub.ts";
import { availabilityServiceOver, testCustomers } from "../../../gateway/test/test-gateway.ts";
import { readAvailability } from "../../../shared/contracts/read-availability.ts";
import type { Change } from "./observations.ts";
import { SCALE, scaled } from "./scaled-time.ts";

/** Parts of the site that fail independently. */
export const PARTS = ["stream", "reads", "live part"] as const;
export type Part = (typeof PARTS)[number];

/** Behaviours of a part. */
export const PART_MODES = ["works", "is held back", "is half-open", "is busy", "is gone", "resets"] as const;
export type PartMode = (typeof PART_MODES)[number];

export interface WatchedSite {
  readonly origin: string;
  /** Changes of the agents so far. */
  readonly changes: readonly Change[];
  setStatus(userId: number, status: Status): Promise<void>;
  remove(userId: number): Promise<void>;
  /** Sets the behaviour of a part, and finishes held responses. */
  setMode(part: Part, mode: PartMode): void;
  /** Breaks off all open streams. */
  cutStreams(): void;
  /** Rejects every token from now on, or accepts valid tokens again. */
  setAccepting(isAccepting: boolean): void;
  /** Rejects all tokens issued so far. */
  revokeTokens(): void;
  /** Refuses connections and closes open connections. */
  stop(): Promise<void>;
  /** Accepts connections again. A gateway without history knows no cursor of before. */
  start(keepsHistory: boolean): Promise<void>;
}

/** Lifetime of a token in milliseconds of the machine, as in the page. */
const TOKEN_LIFE_MS = scaled(60);

/** Headers of the shared worker's script, without the gateway's caching. */
const WORKER_HEADERS = {
  "content-type": "text/javascript",
  "cache-control": "no-store",
  "cross-origin-embedder-policy": "require-corp",
  "cross-origin-resource-policy": "cross-origin",
};

/** Starts a site without agents on a free port of 127.0.0.1. `getPrelude` returns the text before the shared worker's script. */
export async function startWatchedSite(options: {
  readonly files: BuiltFiles;
  readonly allowedOrigin: string;
  readonly getPrelude: () => string;
}): Promise<WatchedSite> {
  const changes: Change[] = [];
  const statuses = new Map<number, Status>();
  const modes = new Map<Part, PartMode>();
  const held = new Set<{ readonly part: Part; readonly mode: PartMode; readonly finish: () => void }>();
  const streams = new Set<ServerResponse>();
  let agents = createMemoryStore().forCustomer("demo");
  let acceptsFrom = 0;
  const access: Access = {
    anonymousReads: false,
    async verify(token) {
      const issuedAt = readIssueTime(token);
      if (issuedAt < acceptsFrom || Date.now() > issuedAt + TOKEN_LIFE_MS) throw new InvalidTokenError("Too old");
      const endsAtMs = issuedAt + TOKEN_LIFE_MS;
      return { subject: 7, scopes: new Set(SCOPES), key: token, endsAtMs };
    },
  };
  let answer = await createAnswer();

  async function createAnswer() {
    const streamHub = createStreamHub({ heartbeatMs: 15_000 / SCALE });
    const customers = await testCustomers({
      allowedOrigins: [options.allowedOrigin],
      availabilities: availabilityServiceOver(agents),
      access,
    });
    return getRequestListener(
      createGateway({ customers, files: options.files, streams: streamHub, onDefect: console.error }).fetch,
    );
  }

  function handle(request: IncomingMessage, response: ServerResponse): void {
    const { url = "/", method } = request;
    if (url.startsWith("/elsewhere")) {
      response.setHeader("content-type", "text/html").end("<title>Elsewhere</title>");
      return;
    }
    const worker = options.files.widgetAssets.get(/assets\/stream-worker.*$/.exec(url)?.[0] ?? "");
    if (worker) {
      // Not from a cache: a worker that starts later begins with the present clock.
      response.writeHead(200, WORKER_HEADERS).end(Buffer.concat([Buffer.from(options.getPrelude()), worker.body]));
      return;
    }
    const part = partOf(url);
    const isStream = part === "stream" && method === "GET";
    if (isStream) {
      streams.add(response);
      response.once("close", () => streams.delete(response));
    }
    const mode = (part && modes.get(part)) ?? "works";
    if (mode === "resets") response.destroy();
    else if (mode === "is busy") response.writeHead(503, { "content-type": "application/json" }).end("{}");
    else if (mode === "is gone") response.writeHead(404, { "content-type": "application/json" }).end("{}");
    else if (part && mode === "is held back") {
      if (isStream) {
        hold(part, mode, response);
        void answer(request, response);
      } else held.add({ part, mode, finish: () => void answer(request, response) });
    } else void answer(request, response);
  }

  /** Buffers a response until the part works again, like a proxy. On a dead connection the bytes are lost. */
  function hold(part: Part, mode: PartMode, response: ServerResponse): void {
    const write = response.write.bind(response);
    const written: Uint8Array[] = [];
    response.write = (chunk: string | Uint8Array): boolean => {
      written.push(Buffer.from(chunk));
      return true;
    };
    const finish = (): void => {
      response.write = write;
      // The bytes of a dead connection never come.
      if (mode === "is half-open") response.destroy();
      else if (written.length > 0) response.write(Buffer.concat(written));
    };
    held.add({ part, mode, finish });
  }

  const server = createServer(handle);
  // A run beyond the time limit leaves the site open.
  server.unref();
  const listen = (port: number): Promise<void> => new Promise((resolve) => server.listen(port, "127.0.0.1", resolve));
  await listen(0);
  const { port } = server.address() as AddressInfo;

  async function setStatus(userId: number, status: Status): Promise<void> {
    const { version } = await agents.set(userId, { status });
    statuses.set(userId, status);
    changes.push({ at: Date.now(), userId, version, word: toWord(status) });
  }

  return {
    origin: `http://127.0.0.1:${port}`,
    changes,
    setStatus,
    async remove(userId) {
      await agents.remove(userId);
      statuses.delete(userId);
      changes.push({ at: Date.now(), userId });
    },
    setMode(part, mode) {
      modes.set(part, mode);
      for (const entry of held) {
        if (entry.part !== part) continue;
        held.delete(entry);
        entry.finish();
      }
      if (part !== "stream") return;
      if (mode === "is half-open" || mode === "is held back")
        for (const response of streams) hold(part, mode, response);
      else if (mode !== "works") for (const response of streams) response.destroy();
    },
    cutStreams() {
      for (const response of streams) response.destroy();
    },
    setAccepting(isAccepting) {
      acceptsFrom = isAccepting ? 0 : Number.POSITIVE_INFINITY;
      if (!isAccepting) for (const response of streams) response.destroy();
    },
    revokeTokens() {
      acceptsFrom = Date.now();
      for (const response of streams) response.destroy();
    },
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
    async start(keepsHistory) {
      if (!keepsHistory) {
        agents = createMemoryStore().forCustomer("demo");
        for (const [userId, status] of statuses) await setStatus(userId, status);
      }
      answer = await createAnswer();
      await listen(port);
    },
  };
}

function partOf(url: string): Part | undefined {
  if (url.startsWith("/v1/availabilities/stream")) return "stream";
  if (url.startsWith("/v1/")) return "reads";
  return /\/assets\/live-/.test(url) ? "live part" : undefined;
}

/** Returns the time of a token's creation. */
function readIssueTime(token: string): number {
  const [, claims = ""] = token.split(".");
  const { issuedAt }: { readonly issuedAt?: unknown } = JSON.parse(atob(claims));
  if (typeof issuedAt !== "number") throw new InvalidTokenError("No token of the chaos");
  return issuedAt;
}

/** Returns a badge's display of a status. */
function toWord(status: Status): string {
  const { state, reason } = readAvailability({ status });
  return [state, reason].filter(Boolean).join(" ");
}
