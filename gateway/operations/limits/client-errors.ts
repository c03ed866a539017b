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
  function follow(socket: Socket, response: ServerResponse): void {
    responses.set(socket, response);
    response.once("close", () => {
      if (responses.get(socket) === response) responses.delete(socket);
    });
  }
  server.on("request", ({ socket }, response) => {
    // Node gives the connection to a pipelined request's response later.
    if (!response.socket) response.once("socket", () => follow(socket, response));
    // Otherwise the response was written at once.
    else if (!response.writableEnded) follow(socket, response);
  });
  server.on("checkExpectation", (_request, response) => {
    const body = JSON.stringify(toProblemDocument(417, "The gateway meets no expectation but 100-continue"));
    response.writeHead(417, { ...PROBLEM_HEADERS, "Content-Length": Buffer.byteLength(body) }).end(body);
  });
  /** Rejects a connection after the responses to the requests in flight on it. */
  function rejectInOrder(socket: Socket, problem: Problem): void {
    const response = responses.get(socket);
    const isWritten = response?.writableEnded ?? false;
    const hasStarted = response?.headersSent ?? false;
    if (!socket.writable || (hasStarted && !isWritten)) socket.destroy();
    // Without a whole request, the route still waits for the rest of the body.
    else if (response && (isWritten || response.req.complete)) {
      response.once("close", () => rejectInOrder(socket, problem));
    } else rejectConnection(socket, problem);
  }
  const waiting = new WeakSet<object>();
  server.on("clientError", (error, stream) => {
    const code = systemErrorCode(error);
    if (!stream.writable || code === "ECONNRESET" || !(stream instanceof Socket)) stream.destroy();
    // Node reports each further piece of the connection.
    else if (!waiting.has(stream)) {
      waiting.add(stream);
      rejectInOrder(stream, toProblem(code));
    }
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
