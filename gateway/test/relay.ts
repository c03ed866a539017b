/** A relay between clients and a server of this machine, whose responses a test can hold back. */

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";

export interface Relay {
  readonly port: number;
  /** Connections through the relay, oldest first. */
  connections(): readonly RelayedConnection[];
  /**
   * Cuts all connections now, and each later connection as soon as its client sends the text. Returns the number of
   * cuts so far.
   */
  cutAt(text: string): () => number;
  /** Relays each connection again from now on. */
  stopCutting(): void;
  close(): Promise<void>;
}

export interface RelayedConnection {
  /** True if the client has ever sent the text. */
  hasSent(text: string): boolean;
  /** Buffers the server's responses from now on. */
  hold(): void;
  /** Number of buffered bytes. */
  heldBytes(): number;
  /** Sends the buffered bytes and relays directly again, until the next `hold`. */
  release(): void;
}

/** Opens a relay to the port of 127.0.0.1, on a free port. */
export async function openRelay(target: number): Promise<Relay> {
  const connections: RelayedConnection[] = [];
  const sockets = new Set<Socket>();
  let cuts = 0;
  let cutText: string | undefined;
  const server = createServer((client) => {
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {
        // The peer has disconnected, which this loop passes on to the other side.
      });
    }
    client.on("close", () => upstream.destroy());
    upstream.on("close", () => client.destroy());
    client.on("data", (data) => {
      if (cutText === undefined || !data.includes(cutText)) return;
      cuts += 1;
      client.destroy();
    });
    connections.push(relay(client, upstream));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  return {
    port: typeof address === "object" && address ? address.port : 0,
    connections: () => connections,
    cutAt(text) {
      cutText = text;
      for (const socket of sockets) socket.destroy();
      return () => cuts;
    },
    stopCutting() {
      cutText = undefined;
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function relay(client: Socket, upstream: Socket): RelayedConnection {
  const held: Buffer[] = [];
  let isHeld = false;
  let sent = "";
  client.on("data", (data) => {
    sent += data.toString("latin1");
    if (!client.destroyed) upstream.write(data);
  });
  upstream.on("data", (data) => {
    if (isHeld) held.push(data);
    else client.write(data);
  });
  return {
    hasSent: (text) => sent.includes(text),
    hold() {
      isHeld = true;
    },
    heldBytes: () => held.reduce((sum, { length }) => sum + length, 0),
    release() {
      isHeld = false;
      for (const data of held.splice(0)) client.write(data);
    },
  };
}
