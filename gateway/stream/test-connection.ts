import { createServer, type ServerResponse } from "node:http";
import { Duplex } from "node:stream";

/** Connection to a Node server. The client reads the sent data when the test says so. */
export interface TestConnection {
  /** Response on the server's side. */
  readonly response: ServerResponse;
  /** True while sent data waits to be read. */
  hasUnread(): boolean;
  /** Reads at most `length` characters of the body. Reading everything makes room for more. */
  read(length?: number): string;
  /** Disconnects without reading the rest. */
  hangUp(): void;
}

/** Opens a connection with a request waiting for the response. */
export async function openTestConnection(): Promise<TestConnection> {
  let unread = "";
  let hasHead = false;
  let makeRoom: (() => void) | undefined;
  const connection = new Duplex({
    read() {},
    write(chunk, _encoding, callback) {
      unread += String(chunk);
      skipHead();
      // Node may write the head alone. The client reads it at once.
      if (hasHead && unread === "") callback();
      else makeRoom = callback;
    },
  });
  const server = createServer();
  const response = await new Promise<ServerResponse>((resolve) => {
    server.on("request", (_request, serverResponse) => resolve(serverResponse));
    server.emit("connection", connection);
    // HTTP/1.0 sends the body unencoded.
    connection.push("GET / HTTP/1.0\r\n\r\n");
  });

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
      const piece = unread.slice(0, length);
      unread = unread.slice(piece.length);
      if (unread !== "") return piece;
      const done = makeRoom;
      makeRoom = undefined;
      done?.();
      return piece;
    },
    hangUp: () => void connection.destroy(),
  };
}
