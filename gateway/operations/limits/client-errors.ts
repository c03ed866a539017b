import type { Server, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { type ProblemStatus, toProblemDocument } from "../../http/problem.ts";
import { systemErrorCode } from "../../system-error.ts";

/** The client has this long to read why it was refused, in milliseconds. */
const LINGER_MS = 2000;

const PROBLEM_HEADERS = {
  Connection: "close",
  "Content-Type": "application/problem+json",
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** Answers what is no request at all, or comes too slowly, with a problem as well. Node's own answer has no body. */
export function respondToClientErrors(server: Server): void {
  const answers = new WeakMap<object, ServerResponse>();
  server.on("request", ({ socket }, response) => {
    // Answered at once: nothing is under way.
    if (response.writableEnded) return;
    answers.set(socket, response);
    response.once("close", () => {
      if (answers.get(socket) === response) answers.delete(socket);
    });
  });
  server.on("checkExpectation", (_request, response) => {
    const body = JSON.stringify(toProblemDocument(417, "No expectation but 100-continue is met here"));
    response.writeHead(417, { ...PROBLEM_HEADERS, "Content-Length": Buffer.byteLength(body) }).end(body);
  });
  server.on("clientError", (error, stream) => {
    const isGone = !stream.writable || systemErrorCode(error) === "ECONNRESET";
    // An answer is on its way to this client. Where none is, whoever would give one waits for the rest of the body.
    const isAnswered = answers.get(stream)?.headersSent ?? false;
    if (isGone || isAnswered || !(stream instanceof Socket)) stream.destroy();
    else refuse(stream, toProblem(systemErrorCode(error)));
  });
}

type Problem = readonly [status: ProblemStatus, detail: string];

/** @see {@link https://nodejs.org/api/http.html#event-clienterror} for the codes that have a status of their own. */
function toProblem(code: string | undefined): Problem {
  if (code === "HPE_HEADER_OVERFLOW") return [431, "The request's headers are too large"];
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") return [413, "The extensions of the request's chunks are too large"];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return [408, "The request did not come to its end in time"];
  return [400, "This is no HTTP request"];
}

function refuse(socket: Socket, [status, detail]: Problem): void {
  const document = toProblemDocument(status, detail);
  const body = JSON.stringify(document);
  const head = [
    `HTTP/1.1 ${status} ${document.title}`,
    ...Object.entries(PROBLEM_HEADERS).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ].join("\r\n");
  socket.end(`${head}\r\n\r\n${body}`);
  // A connection that is closed with unread data in it is reset, and what the client has not read yet is lost with it.
  socket.resume();
  socket.setTimeout(LINGER_MS, () => socket.destroy());
}
