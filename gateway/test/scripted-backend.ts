import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from "node:http";
import { text } from "node:stream/consumers";
import { getRequestListener } from "@hono/node-server";
import * as v from "valibot";
import { listen } from "../../scripts/testing/local-server.ts";
import { createGateway } from "../app.ts";
import { readBuiltFiles } from "../assets/built-files.ts";
import { createScriptedStream, type ScriptedStream } from "./scripted-stream.ts";
import { testCustomers, unusedAvailabilityService } from "./test-gateway.ts";

/** A response of the backend, as in the golden exchanges. */
export const ScriptedAnswer = v.union([
  v.strictObject({ unreachable: v.literal(true) }),
  v.strictObject({ hangs: v.literal(true) }),
  v.strictObject({
    status: v.number(),
    headers: v.optional(v.record(v.string(), v.string())),
    contentType: v.optional(v.string()),
    body: v.optional(v.unknown()),
    text: v.optional(v.string()),
  }),
]);
export type ScriptedAnswer = v.InferOutput<typeof ScriptedAnswer>;

/** Writes the response byte by byte, for responses that no well-behaved server would send. */
export type RawAnswer = (request: IncomingMessage, response: ServerResponse) => void;

/** A call that the scripted backend has received. */
export interface RecordedCall {
  readonly method: string;
  /** Includes the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The body as text; empty without a body, or if the caller has disconnected. */
  readonly body: Promise<string>;
  /** Time of arrival, in milliseconds of the process's clock. */
  readonly at: number;
  /** Resolves when the caller has disconnected before the response. */
  readonly hungUp: Promise<void>;
}

/** A real gateway except for `/v1`, whose responses come from the test. */
export interface ScriptedBackend {
  readonly origin: string;
  /**
   * The stream of changes, which is open to every caller and silent until the test writes to it. Connections to the
   * stream do not count as calls.
   */
  readonly stream: Pick<ScriptedStream, "say" | "end">;
  /** The calls since the responses were last set. */
  readonly calls: readonly RecordedCall[];
  /** Number of requests for the widget's document. */
  countLoads(): number;
  /** Replaces the responses. */
  answerWith(answers: Answers): void;
  /** Sets the response to a request for the stream; `undefined` opens the stream again. */
  refuseStream(answer: ScriptedAnswer | undefined): void;
  /** Sets the response to a request for the widget's document; `undefined` serves the widget again. */
  showInstead(answer: RawAnswer | undefined): void;
  close(): Promise<void>;
}

/** Responses in order; the last is repeated. A single response is given every time; null: no call may be made. */
export type Answers = Answer | readonly Answer[] | null;
type Answer = ScriptedAnswer | RawAnswer;

export interface ScriptedBackendOptions {
  readonly answers: Answers;
  readonly allowedOrigins?: readonly string[];
  /** True if the stream counts as a call, answered in turn. @default false */
  readonly scriptsStream?: boolean;
  /**
   * False if the list of all agents, which a visible widget reads for itself, counts as no call. The response is then no list, so that the
   * widget shows and announces nothing of it. @default true
   */
  readonly scriptsList?: boolean;
}

const LIST = "/v1/availabilities";
const STREAM = `${LIST}/stream`;

/** Starts a scripted backend on a free port of 127.0.0.1, which also serves the built widget. */
export async function startScriptedBackend(options: ScriptedBackendOptions): Promise<ScriptedBackend> {
  const { answers, allowedOrigins = ["http://localhost:4000"], scriptsStream = false, scriptsList = true } = options;
  let script = toScript(answers);
  const calls: RecordedCall[] = [];
  let loads = 0;
  let instead: RawAnswer | undefined;
  const stream = createScriptedStream();
  let insteadOfStream: ScriptedAnswer | undefined;
  const gateway = createGateway({
    customers: await testCustomers({ allowedOrigins, availabilities: unusedAvailabilityService() }),
    files: await readBuiltFiles("gateway/dist"),
    onDefect: console.error,
  });
  const serveRest = getRequestListener(gateway.fetch);
  const { port, close } = await listen("127.0.0.1", (request, response) => {
    const { url = "/" } = request;
    if (url.startsWith(STREAM) && !scriptsStream) {
      return insteadOfStream ? give(insteadOfStream, request, response) : stream.open(request, response);
    }
    if (url === LIST && !scriptsList) return give({ status: 200, body: {} }, request, response);
    if (url.startsWith("/v1/")) {
      const answer = script[Math.min(calls.length, script.length - 1)];
      calls.push(record(request, response));
      return give(answer, request, response);
    }
    const isDocument = /^\/widget\/(\?|$)/.test(url);
    if (isDocument && request.method === "GET") loads += 1;
    if (isDocument && instead) instead(request, response);
    else void serveRest(request, response);
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    stream,
    calls,
    countLoads: () => loads,
    answerWith(next) {
      script = toScript(next);
      calls.length = 0;
    },
    refuseStream(answer) {
      insteadOfStream = answer;
    },
    showInstead(answer) {
      instead = answer;
    },
    close,
  };
}

function record(request: IncomingMessage, response: ServerResponse): RecordedCall {
  const { method = "GET", url: path = "/", headers } = request;
  const body = text(request).catch(() => "");
  return { method, path, headers, body, at: performance.now(), hungUp: whenHungUp(response) };
}

function toScript(answers: Answers): readonly Answer[] {
  return answers === null ? [] : [answers].flat();
}

function give(answer: Answer | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (typeof answer === "function") answer(request, response);
  else if (!answer || "unreachable" in answer) request.socket.destroy();
  else if ("status" in answer) {
    const { status, headers, contentType = "application/json", body, text } = answer;
    response.writeHead(status, { "content-type": contentType, ...headers }).end(text ?? JSON.stringify(body));
  }
}

function whenHungUp(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    response.on("close", () => {
      if (!response.writableFinished) resolve();
    });
  });
}

/** The backend's calls, as golden exchanges list them. */
export function describeCalls({ calls }: Pick<ScriptedBackend, "calls">): Promise<readonly object[]> {
  return Promise.all(
    calls.map(async ({ method, path, body }) => {
      const sent = await body;
      return { method, path, ...(sent && { body: JSON.parse(sent) }) };
    }),
  );
}
