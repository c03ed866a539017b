/** A connection to a server whose replies a test can hold up, as an overloaded network does. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";

export interface PausableLink {
  readonly port: number;
  /** Buffers the server's replies from now on. */
  pause(): void;
  /** Delivers the buffered replies. */
  resume(): void;
}

/** Opens a local port that leads to the given port. Closed when the test has finished. */
export async function openPausableLink(port: number): Promise<PausableLink> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let isPaused = false;
  const server = createServer((client) => {
    const remote = connect({ port, host: "127.0.0.1" });
    const pair = [client, remote] as const;
    pairs.add(pair);
    const end = () => {
      for (const socket of pair) socket.destroy();
      pairs.delete(pair);
    };
    for (const socket of pair) socket.on("error", end).on("close", end);
    client.on("data", (data) => remote.write(data));
    remote.on("data", (data) => client.write(data));
    if (isPaused) remote.pause();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.close();
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  });
  return {
    port: (server.address() as AddressInfo).port,
    pause() {
      isPaused = true;
      for (const [, remote] of pairs) remote.pause();
    },
    resume() {
      isPaused = false;
      for (const [, remote] of pairs) remote.resume();
    },
  };
}
