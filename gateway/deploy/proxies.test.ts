import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { type ClientHttp2Stream, connect, type IncomingHttpHeaders } from "node:http2";
import { gunzipSync } from "node:zlib";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { mintDemoToken } from "../../scripts/demo/demo-token.mjs";
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { canStart, type PROXIES, type ProxyProcess, startProxy } from "../test/proxy-process.ts";

const SECRET = "s".repeat(32);

const NAMES = ["nginx", "caddy"] as const satisfies readonly (keyof typeof PROXIES)[];

async function startGateway() {
  const settings = { GATEWAY_PORT: "0", TRUSTED_PROXIES: "127.0.0.1", DEMO_TOKEN_SECRET: SECRET };
  const gateway = await startGatewayProcess(settings, () => {});
  onTestFinished(gateway.stop);
  return gateway;
}

const portOf = ({ origin }: { readonly origin: string }) => Number(new URL(origin).port);

async function startBoth(name: (typeof NAMES)[number]) {
  const gateways = [await startGateway(), await startGateway()] as const;
  const [first, second] = gateways;
  return { gateways, proxy: await startProxy(name, [portOf(first), portOf(second)]) };
}

/** Starts a server in place of a gateway, which returns the requests from the proxy. */
async function startProxyBefore(
  name: (typeof NAMES)[number],
  handleRequest: (request: IncomingMessage, response: ServerResponse) => void,
): Promise<ProxyProcess> {
  const server = createServer(handleRequest).listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  return startProxy(name, [port, port]);
}

function open(
  { origin, certificate }: ProxyProcess,
  path: string,
  headers: IncomingHttpHeaders = {},
): ClientHttp2Stream {
  const session = connect(origin, { ca: certificate });
  onTestFinished(() => session.destroy());
  return session.request({ ":path": path, ...headers });
}

async function send(proxy: ProxyProcess, path: string, headers: IncomingHttpHeaders = {}, content?: string) {
  const stream = open(proxy, path, headers);
  if (content !== undefined) stream.end(content);
  const [head]: IncomingHttpHeaders[] = await once(stream, "response");
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part);
  return { head: head ?? {}, status: head?.[":status"], body: Buffer.concat(parts) };
}

describe.each(NAMES)("%s", (name) => {
  const through = test.skipIf(!canStart(name));

  through("serves the widget, its loader script and a call over HTTP/2", async () => {
    const { proxy } = await startBoth(name);
    const page = await send(proxy, "/widget/");
    expect(page.status).toBe(200);
    expect(page.head["content-security-policy"]).toContain("frame-ancestors http://localhost:4000;");
    const call = await send(proxy, "/v1/users/123/availability");
    expect(JSON.parse(String(call.body))).toMatchObject({ userId: 123, status: "available" });
    expect(call.head.etag).toMatch(/^"\d+"$/);
    expect(call.head["content-encoding"]).toBeUndefined();
  });

  through("compresses the loader script, and sends a cached script only once", async () => {
    const { gateways, proxy } = await startBoth(name);
    const compressed = await send(proxy, "/embed.js", { "accept-encoding": "gzip, br" });
    expect(compressed.head["content-encoding"]).toBe("gzip");
    expect(compressed.head.vary).toMatch(/accept-encoding/i);
    const plain = await (await fetch(`${gateways[0].origin}/embed.js`)).text();
    expect(String(gunzipSync(compressed.body))).toBe(plain);
    const cached = { "accept-encoding": "gzip, br", "if-none-match": compressed.head.etag };
    expect((await send(proxy, "/embed.js", cached)).status).toBe(304);
  });

  through("forwards each event of a stream at once", async () => {
    const written: ServerResponse[] = [];
    const proxy = await startProxyBefore(name, (_request, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" }).write("data: 1\n\n");
      written.push(response);
    });
    const stream = open(proxy, "/c/acme/v1/availabilities/stream").setEncoding("utf8");
    let received = "";
    stream.on("data", (text: string) => {
      received += text;
    });
    // The server writes the second event after the first has arrived.
    await vi.waitFor(() => expect(received).toBe("data: 1\n\n"), 10_000);
    written.at(-1)?.write("data: 2\n\n");
    await vi.waitFor(() => expect(received).toBe("data: 1\n\ndata: 2\n\n"), 10_000);
  });

  through("forwards a gateway's stream, and each change while the stream is open", async () => {
    const { gateways, proxy } = await startBoth(name);
    const stream = open(proxy, "/v1/availabilities/stream").setEncoding("utf8");
    let received = "";
    stream.on("data", (text: string) => {
      received += text;
    });
    await vi.waitFor(() => expect(received).toContain("event: current\n"), 10_000);
    // The gateways have separate memories, and only one has the stream.
    const responses = gateways.map(async ({ origin }) =>
      fetch(`${origin}/v1/users/123/availability`, {
        method: "PUT",
        headers: { Authorization: `Bearer ${await mintDemoToken(SECRET)}`, "Content-Type": "application/json" },
        body: JSON.stringify({ status: "out_for_lunch" }),
      }),
    );
    expect((await Promise.all(responses)).map(({ status }) => status)).toEqual([200, 200]);
    await vi.waitFor(() => expect(received).toContain('data: {"userId":123,"status":"out_for_lunch",'), 10_000);
  });

  through(
    "sets the client's address and the request's id, whatever the client sends, and forwards the trace",
    async () => {
      const seen: IncomingMessage["headers"][] = [];
      const proxy = await startProxyBefore(name, (request, response) => {
        if (request.url === "/v1/availabilities") seen.push(request.headers);
        response.end();
      });
      const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
      await send(proxy, "/v1/availabilities", {
        "x-forwarded-for": "203.0.113.9",
        "x-request-id": "mine",
        authorization: "Bearer token",
        traceparent,
      });
      expect(seen[0]).toMatchObject({
        "x-forwarded-for": "127.0.0.1",
        "x-request-id": expect.stringMatching(/^[\da-f-]{32,36}$/),
        authorization: "Bearer token",
        traceparent,
      });
    },
  );

  through("logs neither queries nor headers", async () => {
    const { proxy } = await startBoth(name);
    await send(proxy, "/v1/users/123/availability?token=secret-1", {
      authorization: "Bearer secret-2",
      cookie: "a=secret-3",
    });
    await vi.waitFor(async () => expect(await proxy.readLog()).toContain("/v1/users/123/availability"), 10_000);
    expect(await proxy.readLog()).not.toContain("secret");
  });

  through("forwards a request with 500 ids of sixteen digits", async () => {
    const { proxy } = await startBoth(name);
    const ids = Array.from({ length: 500 }, (_, index) => 1_000_000_000_000_000 + index).join(",");
    expect((await send(proxy, `/healthz?userIds=${ids}`)).status).toBe(200);
  });

  through("forwards a webhook of 1 MiB to each customer's address", async () => {
    const { proxy } = await startBoth(name);
    const webhook = { resource: "user", event: "user.opened", token: "guess", data: {} };
    const content = JSON.stringify(webhook).padEnd(1024 * 1024);
    const headers = { ":method": "POST", "content-length": `${content.length}` };
    const post = async (path: string) => {
      return (await send(proxy, path, headers, content)).status;
    };
    expect([await post("/v1/upstream/webhook"), await post("/c/acme/v1/upstream/webhook")]).toEqual([401, 401]);
  });

  through("uses the remaining gateway after the other has stopped", async () => {
    const { gateways, proxy } = await startBoth(name);
    const statuses = async () => {
      const responses = Array.from({ length: 20 }, () => send(proxy, "/v1/users/123/availability"));
      return [...new Set((await Promise.all(responses)).map(({ status }) => status))];
    };
    expect(await statuses()).toEqual([200]);
    await gateways[0].stop();
    expect(await statuses()).toEqual([200]);
  });
});
