import type { IncomingMessage, ServerResponse } from "node:http";
import { getRequestListener } from "@hono/node-server";
import * as v from "valibot";
import { createGateway } from "../gateway/app.ts";
import { readBuiltFiles } from "../gateway/built-files.ts";
import { listen } from "./local-server.ts";

/** One answer of the backend, given as it stands in the golden exchanges. */
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

/** A call that the scripted backend has received. */
export interface RecordedCall {
  readonly path: string;
  /** Resolves when the caller has hung up before it was answered. */
  readonly hungUp: Promise<void>;
}

/** The real gateway in all but `/v1`, where it answers what a test tells it to. */
export interface ScriptedBackend {
  readonly origin: string;
  /** What has been asked since the answers were last set. */
  readonly calls: readonly RecordedCall[];
  /** Replaces the answers. */
  answerWith(answers: Answers): void;
  close(): Promise<void>;
}

/** Answers in order, the last of them again and again. A single one is given every time; null: nobody should ask. */
export type Answers = ScriptedAnswer | readonly ScriptedAnswer[] | null;

export interface ScriptedBackendOptions {
  readonly answers: Answers;
  readonly allowedOrigins?: readonly string[];
}

/** Starts a scripted backend on a free port of 127.0.0.1, which also serves the built widget. */
export async function startScriptedBackend(options: ScriptedBackendOptions): Promise<ScriptedBackend> {
  const { answers, allowedOrigins = ["http://localhost:4000"] } = options;
  let script = toScript(answers);
  const calls: RecordedCall[] = [];
  const gateway = createGateway({
    allowedOrigins,
    availabilities: { read: () => Promise.reject(new Error("The scripted backend answers /v1 itself")) },
    files: await readBuiltFiles("dist"),
    onDefect: console.error,
  });
  const serveRest = getRequestListener(gateway.fetch);
  const { port, close } = await listen("127.0.0.1", (request, response) => {
    if (!request.url?.startsWith("/v1/")) return void serveRest(request, response);
    const answer = script[Math.min(calls.length, script.length - 1)];
    calls.push({ path: request.url, hungUp: whenHungUp(response) });
    give(answer, request, response);
  });
  return {
    origin: `http://127.0.0.1:${port}`,
    calls,
    answerWith(next) {
      script = toScript(next);
      calls.length = 0;
    },
    close,
  };
}

function toScript(answers: Answers): readonly ScriptedAnswer[] {
  return answers === null ? [] : [answers].flat();
}

function give(answer: ScriptedAnswer | undefined, request: IncomingMessage, response: ServerResponse): void {
  if (!answer || "unreachable" in answer) request.socket.destroy();
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
