/**
 * Proxy of the widget's site that answers calls to the gateway by a script. Each page of the kit has its own proxy, so that rules run at the
 * same time.
 */
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestByHttp,
  type ServerResponse,
} from "node:http";
import { request as requestByHttps } from "node:https";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import type { ScriptedAnswer, StreamedEvent } from "./vectors.ts";

/** A call of the widget to its gateway. */
export interface RecordedCall {
  readonly method: string;
  /** From `/v1/` on, with the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The body as text; empty without a body. */
  readonly body: Promise<string>;
}

/** Answers in order; the last is repeated. `null`: no call may be made. */
export type Script = ScriptedAnswer | readonly ScriptedAnswer[] | null;

export interface ScriptedSite {
  /** Address of the widget's document on this site. */
  readonly widgetUrl: string;
  /** Calls since the last `answerWith`, without those for the stream. */
  readonly calls: readonly RecordedCall[];
  /** Addresses of requests so far, with the query. */
  readonly addresses: readonly string[];
  answerWith(script: Script): void;
  /** Sends events on open streams, and on later streams. */
  stream(events: readonly StreamedEvent[]): void;
  /** Sets the response to requests for the stream. */
  refuseStream(answer: ScriptedAnswer): void;
  close(): Promise<void>;
}

export interface ScriptedSiteOptions {
  /** Address of the widget's document. */
  readonly target: URL;
  readonly script: Script;
  /** True to remove `frame-ancestors`, so that the widget's check of the origin decides. */
  readonly dropsFrameAncestors?: boolean;
}

const API_PATH = /\/v1\/.*$/;
const STREAM_PATH = "/v1/availabilities/stream";

/** Starts a site on a free port of 127.0.0.1. */
export async function startScriptedSite(options: ScriptedSiteOptions): Promise<ScriptedSite> {
  const { target } = options;
  let script = toList(options.script);
  let streamAnswer: ScriptedAnswer | undefined;
  let streamed = "";
  const streams = new Set<ServerResponse>();
  const calls: RecordedCall[] = [];
  const addresses: string[] = [];

  function openStream({ method }: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    if (method === "HEAD") return void response.end();
    streams.add(response);
    response.once("close", () => streams.delete(response));
    response.write(`: open\n\n${streamed}`);
  }

  function handleCall(path: string, request: IncomingMessage, response: ServerResponse): void {
    if (path.startsWith(STREAM_PATH)) {
      if (streamAnswer) return give(streamAnswer, request, response);
      return openStream(request, response);
    }
    const answer = script[Math.min(calls.length, script.length - 1)];
    const { method = "GET", headers } = request;
    calls.push({ method, path, headers, body: text(request).catch(() => "") });
    give(answer, request, response);
  }

  const server = createServer((request, response) => {
    const { url = "/" } = request;
    addresses.push(url);
    const [path] = API_PATH.exec(url) ?? [];
    if (path !== undefined) handleCall(path, request, response);
    else relay(options, `http://${request.headers.host}`, request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    widgetUrl: `http://127.0.0.1:${port}${target.pathname}${target.search}`,
    calls,
    addresses,
    answerWith(next) {
      script = toList(next);
      calls.length = 0;
    },
    stream(events) {
      const block = events.map(toBlock).join("");
      streamed += block;
      for (const response of streams) response.write(block);
    },
    refuseStream(answer) {
      streamAnswer = answer;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function toList(script: Script): readonly ScriptedAnswer[] {
  return script === null ? [] : [script].flat();
}

function toBlock({ event, id, data }: StreamedEvent): string {
  return `event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${JSON.stringify(data)}\n\n`;
}

function give(answer: ScriptedAnswer | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (!answer || "unreachable" in answer) request.socket.destroy();
  else if ("status" in answer) {
    const { status, headers, contentType = "application/json", body, text: given } = answer;
    response.writeHead(status, { "content-type": contentType, ...headers }).end(given ?? JSON.stringify(body));
  }
}

/** Headers of one connection, and the header that redirects browsers to TLS. */
const DROPPED = new Set(["connection", "keep-alive", "transfer-encoding", "strict-transport-security"]);

/** Forwards a request to the widget's site. */
function relay(
  { target, dropsFrameAncestors = false }: ScriptedSiteOptions,
  own: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const address = new URL(request.url ?? "/", target.origin);
  const send = target.protocol === "https:" ? requestByHttps : requestByHttp;
  const { method = "GET", headers } = request;
  const passed = send(address, { method, headers: { ...headers, host: target.host } }, (answer) => {
    const kept = Object.entries(answer.headers).flatMap(([name, value]) => {
      if (DROPPED.has(name) || value === undefined) return [];
      if (dropsFrameAncestors && name === "x-frame-options") return [];
      const rewrite = (each: string): string => rewriteHeader(name, each, { own, target, dropsFrameAncestors });
      return [[name, Array.isArray(value) ? value.map(rewrite) : rewrite(value)] as const];
    });
    response.writeHead(answer.statusCode ?? 502, Object.fromEntries(kept));
    answer.pipe(response);
  });
  passed.on("error", () => response.destroy());
  response.on("close", () => passed.destroy());
  request.pipe(passed);
}

interface Rewriting {
  readonly own: string;
  readonly target: URL;
  readonly dropsFrameAncestors: boolean;
}

function rewriteHeader(name: string, value: string, { own, target, dropsFrameAncestors }: Rewriting): string {
  if (name === "location") return value.replace(target.origin, own);
  if (name !== "content-security-policy") return value;
  const directives = value.split(";").filter((directive) => {
    const [word = ""] = directive.trim().toLowerCase().split(/\s+/);
    // The proxy has no TLS.
    return word !== "upgrade-insecure-requests" && !(dropsFrameAncestors && word === "frame-ancestors");
  });
  return directives.join(";").replaceAll(target.origin, own);
}
