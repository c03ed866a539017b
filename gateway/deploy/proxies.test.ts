import type { IncomingMessage } from "node:http";
import { get, type ServerResponse } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import compression from "compression";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { mintDemoToken } from "../../scripts/demo/demo-token.mjs";
import {
  NAMES,
  open,
  SECRET,
  send,
  startBoth,
  startGateway,
  startProxyBefore,
  startServer,
} from "../test/proxy-client.ts";
import { canStart, type ProxyProcess } from "../test/proxy-process.ts";

/** Starts a development server that compresses the gateway's responses. */
async function startCompressingServer(gatewayOrigin: string): Promise<string> {
  const compress = compression();
  const port = await startServer((request, response) => {
    compress(request, response, () => {
      get(`${gatewayOrigin}${request.url}`, (received) => {
        response.writeHead(received.statusCode ?? 502, received.headers);
        received.pipe(response);
        response.once("close", () => received.destroy());
      });
    });
  });
  return `http://127.0.0.1:${port}`;
}

function changeStatus(origin: string, token: string, status: string): Promise<Response> {
  return fetch(`${origin}/v1/users/123/availability`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ status }),
  });
}

/** A script, a file of the widget, and the document with its settings. */
const COMPRESSED_PATHS = ["/embed.js", "/widget/"];

/**
 * Expects a response through a proxy to be compressed once at most, as its `Content-Encoding` names, and a client with
 * the response's ETag to get a 304. Clients accept brotli, gzip alone, or encodings unknown to the gateway.
 */
async function expectCompressedOnce(proxy: ProxyProcess, gatewayOrigin: string, path: string): Promise<void> {
  const plain = await (await fetch(gatewayOrigin + path)).text();
  for (const accepted of ["gzip, br", "gzip", "deflate, gzip;q=0.5, identity;q=0.1", "identity", "zstd"]) {
    const received = await send(proxy, path, { "accept-encoding": accepted });
    const encoding = received.head["content-encoding"] ?? "identity";
    expect(received.status).toBe(200);
    expect(`${accepted}, identity`).toContain(encoding);
    if (encoding !== "zstd") expect(decompress(encoding, received.body)).toBe(plain);
    expect(received.head.vary ?? "").toMatch(/accept-encoding/i);
    const held = { "accept-encoding": accepted, "if-none-match": received.head.etag };
    expect([accepted, (await send(proxy, path, held)).status]).toEqual([accepted, 304]);
  }
}

function decompress(encoding: string, body: Buffer): string {
  if (encoding === "br") return String(brotliDecompressSync(body));
  return String(encoding === "gzip" ? gunzipSync(body) : body);
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

  through("forwards the scripts and the document as the gateway compresses them, once", async () => {
    const { gateways, proxy } = await startBoth(name);
    for (const path of COMPRESSED_PATHS) await expectCompressedOnce(proxy, gateways[0].origin, path);
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
    await vi.waitFor(() => expect(received).toMatch(/^: open\n\n.*event: current\n/s), 10_000);
    // The gateways have separate memories, and only one has the stream.
    const token = await mintDemoToken(SECRET);
    const responses = gateways.map(({ origin }) => changeStatus(origin, token, "out_for_lunch"));
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
    expect((await send(proxy, `/openapi.json?userIds=${ids}`)).status).toBe(200);
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

describe("a proxy that compresses every text", () => {
  const LUNCH = 'data: {"userId":123,"status":"out_for_lunch",';

  for (const name of ["caddy with encode", "nginx with gzip"] as const) {
    test.skipIf(!canStart(name))(
      `${name} compresses nothing a second time, and sends a cached script once`,
      async () => {
        const { gateways, proxy } = await startBoth(name);
        for (const path of COMPRESSED_PATHS) await expectCompressedOnce(proxy, gateways[0].origin, path);
      },
    );
  }

  test.skipIf(!canStart("caddy with encode"))(
    "Caddy's encode forwards a stream's snapshot and each change, however often a stream is opened",
    async () => {
      const { gateways, proxy } = await startBoth("caddy with encode");
      const token = await mintDemoToken(SECRET);
      const streams = Array.from({ length: 20 }, () => {
        const received = { text: "" };
        const stream = open(proxy, "/v1/availabilities/stream", { "accept-encoding": "gzip, zstd" }).setEncoding(
          "utf8",
        );
        stream.on("data", (text: string) => {
          received.text += text;
        });
        return received;
      });
      await vi.waitFor(() => {
        for (const { text } of streams) expect(text).toMatch(/^: open\n\nevent: reset\n.*event: current\n/s);
      }, 10_000);
      await Promise.all(gateways.map(({ origin }) => changeStatus(origin, token, "out_for_lunch")));
      await vi.waitFor(() => {
        for (const { text } of streams) expect(text).toContain(LUNCH);
      }, 10_000);
      const page = await send(proxy, "/embed.js", { "accept-encoding": "gzip" });
      expect(page.head["content-encoding"]).toBe("gzip");
    },
  );

  test("Express's compression forwards a stream's snapshot and each change", async () => {
    const gateway = await startGateway();
    const origin = await startCompressingServer(gateway.origin);
    const script = await fetch(`${origin}/embed.js`, { headers: { "Accept-Encoding": "gzip" } });
    expect(script.headers.get("Content-Encoding")).toBe("gzip");
    let received = "";
    const request = get(
      `${origin}/v1/availabilities/stream`,
      { headers: { "Accept-Encoding": "gzip" } },
      (response) => {
        response.setEncoding("utf8").on("data", (text: string) => {
          received += text;
        });
      },
    );
    request.on("error", () => {});
    onTestFinished(() => void request.destroy());
    await vi.waitFor(() => expect(received).toMatch(/^: open\n\nevent: reset\n.*event: current\n/s), 10_000);
    expect((await changeStatus(gateway.origin, await mintDemoToken(SECRET), "out_for_lunch")).status).toBe(200);
    await vi.waitFor(() => expect(received).toContain(LUNCH), 10_000);
  });
});
