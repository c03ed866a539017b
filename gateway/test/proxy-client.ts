/** Gateways behind a proxy of `deploy`, servers in their place, and a client of the proxy over HTTP/2. */
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { onTestFinished } from "vitest";
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { type PROXIES, type ProxyProcess, startProxy } from "./proxy-process.ts";

/** Secret of the tokens that the gateways accept. */
export const SECRET = "s".repeat(32);

/** The proxies with their configurations as they are. */
export const NAMES = ["nginx", "caddy"] as const satisfies readonly (keyof typeof PROXIES)[];

/** Starts a gateway as a process, with sample agents. */
export async function startGateway(environment: Readonly<Record<string, string>> = {}) {
  const settings = { GATEWAY_PORT: "0", TRUSTED_PROXIES: "127.0.0.1", DEMO_TOKEN_SECRET: SECRET, ...environment };
  const gateway = await startGatewayProcess(settings, () => {});
  onTestFinished(gateway.stop);
  return gateway;
}

const portOf = ({ origin }: { readonly origin: string }) => Number(new URL(origin).port);

/** Starts two gateways, which share nothing, and a proxy before them. */
export async function startBoth(name: keyof typeof PROXIES, environment: Readonly<Record<string, string>> = {}) {
  const gateways = [await startGateway(environment), await startGateway(environment)] as const;
  const [first, second] = gateways;
  return { gateways, proxy: await startProxy(name, [portOf(first), portOf(second)]) };
}

/** Starts a server in place of a gateway, which returns the requests from the proxy. */
export async function startProxyBefore(
  name: keyof typeof PROXIES,
  handleRequest: HandleRequest,
): Promise<ProxyProcess> {
  const port = await startServer(handleRequest);
  return startProxy(name, [port, port]);
}

export type HandleRequest = (request: IncomingMessage, response: ServerResponse) => void;

/** Starts a server, and resolves with its port. */
export async function startServer(handleRequest: HandleRequest): Promise<number> {
  const server = createServer(handleRequest).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  return typeof address === "object" && address ? address.port : 0;
}

/** Opens a request through a proxy. */
export function open(
  { origin, certificate }: ProxyProcess,
  path: string,
  headers: IncomingHttpHeaders = {},
): ClientHttp2Stream {
  const session = connect(origin, { ca: certificate });
  onTestFinished(() => session.destroy());
  return session.request({ ":path": path, ...headers });
}

/** Sends a request through a proxy, and resolves with the whole response. */
export async function send(proxy: ProxyProcess, path: string, headers: IncomingHttpHeaders = {}, content?: string) {
  const stream = open(proxy, path, headers);
  if (content !== undefined) stream.end(content);
  const [head]: IncomingHttpHeaders[] = await once(stream, "response");
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return { head: head ?? {}, status: head?.[":status"], body: Buffer.concat(parts) };
}
