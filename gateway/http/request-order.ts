import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** Handles a request of Node's server, by its response. */
export type HandleRequest = (request: IncomingMessage, response: ServerResponse) => void;

/** Requests that wait on one connection, before it is no longer read. */
const MAX_WAITING = 16;

/**
 * Handles the requests of each connection one after the other: a request that a client has pipelined waits until those
 * before it are answered. Node starts them all at once, and only sends their responses in order. A read would then show
 * the state before a change that it follows; RFC 9112, 9.3.2, allows this for safe methods alone. Node 20 also does not close
 * a response that still waits for its turn when the connection closes, so that a stream would never end.
 *
 * A request that waits is not handled if its connection closes first. A connection with many of them is not read until
 * fewer wait.
 */
export function handleInOrder(handle: HandleRequest): HandleRequest {
  /** Holds only the connections of clients that pipeline. */
  const queues = new WeakMap<Socket, Set<ServerResponse>>();

  function wait(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request;
    const waiting = queues.get(socket) ?? createQueue(socket);
    queues.set(socket, waiting);
    waiting.add(response);
    if (waiting.size >= MAX_WAITING) socket.pause();
    response.once("socket", () => {
      waiting.delete(response);
      if (waiting.size === MAX_WAITING - 1) socket.resume();
      // Node has not finished giving the connection to the response.
      process.nextTick(() => {
        if (!socket.destroyed) handle(request, response);
      });
    });
  }

  return (request, response) => {
    // Node gives the connection to a response when all those before it are sent.
    if (response.socket) handle(request, response);
    else wait(request, response);
  };
}

/** Creates the set of the responses that wait for a connection. */
function createQueue(socket: Socket): Set<ServerResponse> {
  const waiting = new Set<ServerResponse>();
  // Node reads again after each request that it has answered.
  socket.on("resume", () => {
    if (waiting.size >= MAX_WAITING) socket.pause();
  });
  socket.once("close", () => {
    // Node before 24 emits this only for the response that has the connection; later ones emit it in this turn.
    setImmediate(() => {
      for (const response of waiting) if (!response.closed) response.emit("close");
    });
  });
  return waiting;
}
