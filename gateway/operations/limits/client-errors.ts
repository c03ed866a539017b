import type { Server, ServerResponse } from "node:http";
import { Socket } from "node:net";
import { type ProblemStatus, toProblemDocument } from "../../http/problem.ts";
import { systemErrorCode } from "../../system-error.ts";

/** Time for the client to read the rejection, in milliseconds. */
const LINGER_MS = 2000;

const PROBLEM_HEADERS = {
  Connection: "close",
  "Content-Type": "application/problem+json",
  "Cache-Control": "no-store",
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
};

/** Responds with a problem to malformed and slow requests. Node's own response has no body. */
export function respondToClientErrors(server: Server): void {
  const responses = new WeakMap<object, ServerResponse>();
  server.on("request", ({ socket }, response) => {
    // The response was written at once.
    if (response.writableEnded) return;
    responses.set(socket, response);
    response.once("close", () => {
      if (responses.get(socket) === response) responses.delete(socket);
    });
  });
  server.on("checkExpectation", (_request, response) => {
    const body = JSON.stringify(toProblemDocument(417, "The gateway meets no expectation but 100-continue"));
    response.writeHead(417, { ...PROBLEM_HEADERS, "Content-Length": Buffer.byteLength(body) }).end(body);
  });
  server.on("clientError", (error, stream) => {
    const isGone = !stream.writable || systemErrorCode(error) === "ECONNRESET";
    // A response has started. Without a started response, the route still waits for the rest of the body.
    const isResponding = responses.get(stream)?.headersSent ?? false;
    if (isGone || isResponding || !(stream instanceof Socket)) stream.destroy();
    else rejectConnection(stream, toProblem(systemErrorCode(error)));
  });
}

type Problem = readonly [status: ProblemStatus, detail: string];

/** @see {@link https://nodejs.org/api/http.html#event-clienterror} for the codes with a status of their own. */
function toProblem(code: string | undefined): Problem {
  if (code === "HPE_HEADER_OVERFLOW") return [431, "The request's headers are too large"];
  if (code === "HPE_CHUNK_EXTENSIONS_OVERFLOW") return [413, "The extensions of the request's chunks are too large"];
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return [408, "The request was not complete in time"];
  return [400, "This is not an HTTP request"];
}

function rejectConnection(socket: Socket, [status, detail]: Problem): void {
  const document = toProblemDocument(status, detail);
  const body = JSON.stringify(document);
  const head = [
    `HTTP/1.1 ${status} ${document.title}`,
    ...Object.entries(PROBLEM_HEADERS).map(([name, value]) => `${name}: ${value}`),
    `Content-Length: ${Buffer.byteLength(body)}`,
  ].join("\r\n");
  socket.end(`${head}\r\n\r\n${body}`);
  // Closing a connection with unread data resets it, and the client loses the response.
  socket.resume();
  socket.setTimeout(LINGER_MS, () => socket.destroy());
}
