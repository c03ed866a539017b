import { createServer, type ServerResponse } from "node:http";
import { Duplex } from "node:stream";

/** A connection to a server of Node's own, whose client takes what is sent when the test says so. */
export interface TestConnection {
  /** The server's side of it. */
  readonly response: ServerResponse;
  /** Whether something waits to be taken. */
  hasUnread(): boolean;
  /** Takes at most so many characters of what has been sent of the body. Whoever takes all of it makes room for more. */
  read(length?: number): string;
  /** Goes without taking the rest. */
  hangUp(): void;
}

/** Opens a connection on which a request waits for its answer. */
export async function openTestConnection(): Promise<TestConnection> {
  let unread = "";
  let makeRoom: (() => void) | undefined;
  const connection = new Duplex({
    read() {},
    write(chunk, _encoding, callback) {
      unread += String(chunk);
      makeRoom = callback;
    },
  });
  const server = createServer();
  const response = await new Promise<ServerResponse>((resolve) => {
    server.on("request", (_request, answer) => resolve(answer));
    server.emit("connection", connection);
    // HTTP/1.0, so that the body stands on the wire as it is.
    connection.push("GET / HTTP/1.0\r\n\r\n");
  });
  let hasHead = false;

  function skipHead(): void {
    const end = unread.indexOf("\r\n\r\n");
    if (hasHead || end < 0) return;
    hasHead = true;
    unread = unread.slice(end + 4);
  }

  return {
    response,
    hasUnread: () => makeRoom !== undefined,
    read(length = Infinity) {
      skipHead();
      const taken = unread.slice(0, length);
      unread = unread.slice(taken.length);
      if (unread !== "") return taken;
      const done = makeRoom;
      makeRoom = undefined;
      done?.();
      return taken;
    },
    hangUp: () => void connection.destroy(),
  };
}
