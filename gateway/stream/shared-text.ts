import type { ServerResponse } from "node:http";
import type { Socket } from "node:net";

/** A text for many responses. */
export interface SharedText {
  /**
   * Writes the text to a response, after all earlier data. `hasBegun` is true if the head of the response was written;
   * `headersSent` is true already before.
   */
  writeTo(response: ServerResponse, hasBegun: boolean): void;
}

/**
 * Creates a text with bytes prepared once. For HTTP/1.1 the bytes are a chunk, written to the response's socket:
 * `response.write` would make three pieces of each text, and a system call to join the pieces.
 */
export function createSharedText(text: string): SharedText {
  const content = Buffer.from(text);
  const chunk = Buffer.from(`${content.length.toString(16)}\r\n${text}\r\n`);
  return {
    writeTo(response, hasBegun) {
      const { socket, chunkedEncoding } = response;
      // HTTP/1.0 has no chunks, and a response behind an earlier response on the connection has no socket yet.
      if (hasBegun && chunkedEncoding && socket?.writable) writeSoon(socket, chunk);
      else response.write(content);
    },
  };
}

/** Writes at the end of the present task, as Node does, so that several chunks of one task are written at once. */
function writeSoon(socket: Socket, chunk: Buffer): void {
  if (socket.writableCorked === 0) {
    socket.cork();
    process.nextTick(uncork, socket);
  }
  socket.write(chunk);
}

function uncork(socket: Socket): void {
  socket.uncork();
}
