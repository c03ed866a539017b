/**
 * Runs the real gateway in the test's process, for tests of live availability. The test changes the gateway's agents.
 */
import type { IncomingHttpHeaders } from "node:http";
import { getRequestListener } from "@hono/node-server";
import { type LocalServer, listen } from "../../scripts/testing/local-server.ts";
import { createGateway } from "../app.ts";
import { readBuiltFiles } from "../assets/built-files.ts";
import type { Access } from "../auth/access.ts";
import type { CustomerStore } from "../store/availability-store.ts";
import { createMemoryStore } from "../store/memory-store.ts";
import { createStreamHub } from "../stream/stream-hub.ts";
import { ANONYMOUS_READS, availabilityServiceOver, testCustomers } from "./test-gateway.ts";

/** A widget's call that has reached the gateway. */
export interface LiveCall {
  readonly method: string;
  /** Includes the query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
}

export interface LiveGateway {
  readonly origin: string;
  /** The gateway's agents. Each change is sent to every open stream. */
  readonly agents: CustomerStore;
  /** The calls to `/v1` so far, streams included, oldest first. */
  readonly calls: LiveCall[];
  /** Number of open streams. */
  openStreams(): number;
  /** Ends every connection and stops listening until `open` is called again, at the same address. The agents remain. */
  close(): Promise<void>;
  open(): Promise<void>;
}

export interface LiveGatewayOptions {
  readonly allowedOrigins: readonly string[];
  /** Decides which callers may read. @default every caller */
  readonly access?: Access;
  /** Number of changes that a stream can resume over. @default 10000 */
  readonly historyLength?: number;
}

const STREAM = /^\/v1\/availabilities\/stream/;

/** Starts a gateway without agents on a free port of 127.0.0.1. */
export async function startLiveGateway(options: LiveGatewayOptions): Promise<LiveGateway> {
  const { allowedOrigins, access = ANONYMOUS_READS, historyLength = 10_000 } = options;
  const agents = createMemoryStore({ historyLength }).forCustomer("demo");
  const calls: LiveCall[] = [];
  const files = await readBuiltFiles("gateway/dist");
  let openStreams = 0;
  let server: LocalServer | undefined;
  let port = 0;

  async function open(): Promise<void> {
    const streams = createStreamHub();
    const customers = await testCustomers({ allowedOrigins, availabilities: availabilityServiceOver(agents), access });
    const gateway = createGateway({ customers, files, streams, onDefect: console.error });
    const answer = getRequestListener(gateway.fetch);
    server = await listen(
      "127.0.0.1",
      (request, response) => {
        const { url = "/", method = "GET", headers } = request;
        if (url.startsWith("/v1/")) calls.push({ method, path: url, headers });
        if (method === "GET" && STREAM.test(url)) {
          openStreams += 1;
          response.once("close", () => {
            openStreams -= 1;
          });
        }
        void answer(request, response);
      },
      port,
    );
    port = server.port;
  }

  await open();
  return {
    origin: `http://127.0.0.1:${port}`,
    agents,
    calls,
    openStreams: () => openStreams,
    open,
    async close() {
      await server?.close();
    },
  };
}
