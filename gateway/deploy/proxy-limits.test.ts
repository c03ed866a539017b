/** Limits of the proxies, applied to the gateway's responses, and the proxies' log lines about a fault. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { describe, expect, test, vi } from "vitest";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { MAX_ORIGINS_LENGTH } from "../settings/allowed-origin.ts";
import { NAMES, open, send, startBoth, startProxyBefore, startServer } from "../test/proxy-client.ts";
import { canStart, type ProxyProcess, startProxy } from "../test/proxy-process.ts";
import { MAX_TIMEOUT_MS } from "../upstream/aircall/settings.ts";

/** Creates the longest list of origins that the gateway accepts. */
function longestList(): readonly string[] {
  const origins = Array.from({ length: 300 }, (_, index) => `https://crm-${1000 + index}.customers.example.com`);
  const spare = MAX_ORIGINS_LENGTH - origins.join(" ").length - " https://.example".length;
  return [...origins, `https://${"a".repeat(spare)}.example`];
}

/** Sends many requests at once, and returns the different statuses. */
async function statusesOf(
  proxy: ProxyProcess,
  path: string,
  count: number,
  { method = "GET", addressOf }: { readonly method?: string; readonly addressOf?: (index: number) => string } = {},
): Promise<readonly number[]> {
  const statuses = Array.from({ length: count }, async (_, index) => {
    const headers = { ":method": method, ...(addressOf && { "x-test-address": addressOf(index) }) };
    return Number((await send(proxy, path, headers, method === "POST" ? "{}" : undefined)).status);
  });
  return [...new Set(await Promise.all(statuses))].sort((a, b) => a - b);
}

describe.each(NAMES)("%s", (name) => {
  const through = test.skipIf(!canStart(name));

  through("forwards the document with the longest Content-Security-Policy", async () => {
    const origins = longestList();
    expect(origins.join(" ")).toHaveLength(MAX_ORIGINS_LENGTH);
    const { proxy } = await startBoth(name, { ALLOWED_ORIGINS: origins.join() });
    const page = await send(proxy, "/widget/");
    expect(page.status).toBe(200);
    expect(page.head["content-security-policy"]).toContain(`frame-ancestors ${origins.join(" ")};`);
  });

  through("keeps the operator's paths to itself, however they are written", async () => {
    const reached: string[] = [];
    const proxy = await startProxyBefore(name, (request, response) => {
      // Caddy's own checks have no request id.
      if (request.headers["x-request-id"] !== undefined) reached.push(request.url ?? "");
      response.end("the gateway's");
    });
    const paths = ["/healthz", "/readyz", "/metrics", "/readyz?include=upstreams", "/%72eadyz", "//readyz", "/readyz/"];
    for (const path of paths) expect([path, (await send(proxy, path)).status]).toEqual([path, 404]);
    expect(reached).toEqual([]);
    expect((await send(proxy, "/v1/availabilities")).status).toBe(200);
  });

  through("tells browsers to use TLS alone", async () => {
    const proxy = await startProxyBefore(name, (_request, response) => void response.end());
    for (const path of ["/widget/", "/v1/availabilities/stream", "/readyz"]) {
      expect((await send(proxy, path)).head["strict-transport-security"]).toBe("max-age=31536000");
    }
  });

  through("finds a release's files at the gateway that has them, and reports files that no gateway has", async () => {
    // Two releases: each gateway has the files of its own.
    const [older, newer] = ["Old1", "New2"].map((hash) =>
      startServer((request, response) => {
        response.statusCode = request.url?.includes(hash) || request.url?.startsWith("/readyz") ? 200 : 404;
        response.end(hash);
      }),
    );
    const proxy = await startProxy(name, [(await older) ?? 0, (await newer) ?? 0]);
    for (const hash of ["Old1", "New2"]) {
      for (const path of [
        `/widget/assets/live-${hash}.js`,
        `/c/acme/widget/assets/live-${hash}.js`,
        `/embed-badge-${hash}.js`,
      ]) {
        for (let count = 0; count < 4; count += 1) {
          const { status, body } = await send(proxy, path);
          expect([path, status, String(body)]).toEqual([path, 200, hash]);
        }
      }
    }
    expect((await send(proxy, "/widget/assets/live-None3.js")).status).toBe(404);
    // A user that does not exist is no file: the other gateway has the same users.
    expect((await send(proxy, "/c/acme/v1/users/9/availability")).status).toBe(404);
  });

  through("says in its logs that a gateway failed, without queries and headers", async () => {
    const ports = [await findFreePort(), await findFreePort()] as const;
    const proxy = await startProxy(name, ports);
    const { status } = await send(proxy, "/v1/users/123/availability?token=secret-1", {
      authorization: "Bearer secret-2",
      cookie: "a=secret-3",
    });
    expect([502, 503]).toContain(status);
    await vi.waitFor(async () => expect(await proxy.readLog()).toContain("/v1/users/123/availability"), 10_000);
    const logs = (await proxy.readLog()) + (await proxy.readErrors());
    expect(logs).toMatch(
      name === "nginx"
        ? /"gatewayStatus":"502, 502"/
        : /"http\.log\.error[^\n]*(no upstreams available|connection refused)/,
    );
    expect(logs).not.toContain("secret");
  });
});

test.skipIf(!canStart("nginx"))("nginx shows a response with a head beyond its buffer as a fault", async () => {
  const proxy = await startProxyBefore("nginx", (_request, response) => {
    response.writeHead(200, { "x-padding": "x".repeat(20_000) }).end();
  });
  expect((await send(proxy, "/widget/")).status).toBe(502);
  await vi.waitFor(async () => expect(await proxy.readLog()).toContain('"gatewayStatus":"502"'), 10_000);
});

test.skipIf(!canStart("nginx"))("nginx limits the requests of an address, but no webhook", async () => {
  const proxy = await startProxyBefore("nginx with its limit", (_request, response) => void response.end());
  // More than the burst, and than what is let through while they are sent.
  expect(await statusesOf(proxy, "/v1/availabilities", 100)).toEqual([200, 429]);
  expect(await statusesOf(proxy, "/c/acme/v1/upstream/webhook", 100, { method: "POST" })).toEqual([200]);
});

const hex = (index: number) => (index + 1).toString(16);

/** Addresses of one client each, in the forms in which nginx writes them. */
const NETWORKS: Readonly<Record<string, (index: number) => string>> = {
  "an IPv6 network": (index) => `2001:db8:1:2:3:4:5:${hex(index)}`,
  "an IPv6 network with zeros behind it": (index) => `2001:db8:1:2::${hex(index)}`,
  "an IPv6 network that ends with a zero": (index) => `2001:db8:1::${hex(index)}`,
  "an IPv6 network of zeros": (index) => `2001:db8::${hex(index)}:4:5:6`,
  "an IPv6 network with zeros in its midst": (index) => `2001::9:4:5:6:${hex(index)}`,
};

/** Addresses of as many clients. */
const CLIENTS: Readonly<Record<string, (index: number) => string>> = {
  "IPv4 addresses": (index) => `192.0.2.${index}`,
  "IPv4 addresses at an IPv6 port": (index) => `::ffff:192.0.2.${index}`,
  "IPv6 networks": (index) => `2001:db8:1:${hex(index)}::1`,
  "IPv6 networks with zeros": (index) => `2001:${hex(index)}::1:2`,
  "IPv6 networks with zeros in their midst": (index) => `2001::${hex(index)}:4:5:6:7`,
};

describe.skipIf(!canStart("nginx"))("nginx takes for one client", () => {
  test.each(Object.entries(NETWORKS))("%s", async (_name, addressOf) => {
    const proxy = await startProxyBefore("nginx with its limit", (_request, response) => void response.end());
    expect(await statusesOf(proxy, "/v1/availabilities", 100, { addressOf })).toEqual([200, 429]);
  });
});

describe.skipIf(!canStart("nginx"))("nginx takes for different clients", () => {
  test.each(Object.entries(CLIENTS))("%s", async (_name, addressOf) => {
    const proxy = await startProxyBefore("nginx with its limit", (_request, response) => void response.end());
    expect(await statusesOf(proxy, "/v1/availabilities", 100, { addressOf })).toEqual([200]);
  });
});

test.skipIf(!canStart("nginx"))(
  "nginx sends a change and a webhook to the other gateway if one ends the connection",
  async () => {
    const failing = await startServer((request) => request.socket.destroy());
    const working = await startServer((request, response) => void request.resume().once("end", () => response.end()));
    const proxy = await startProxy("nginx", [failing, working]);
    for (const [method, path] of [
      ["PUT", "/v1/users/123/availability"],
      ["POST", "/v1/upstream/webhook"],
    ] as const) {
      for (let count = 0; count < 4; count += 1) {
        const stream = open(proxy, path, { ":method": method });
        stream.end('{"status":"available"}');
        const [head] = await once(stream, "response");
        stream.resume();
        expect([method, head[":status"]]).toEqual([method, 200]);
      }
    }
  },
);

test.each([
  ["nginx.conf", /proxy_read_timeout (\d+)s;\n\s+# A stopping gateway/],
  ["Caddyfile", /response_header_timeout (\d+)s/],
])("%s waits for a change and its check as long as the slowest upstream may take", async (file, pattern) => {
  const text = await readFile(new URL(file, import.meta.url), "utf8");
  expect(Number(pattern.exec(text)?.[1])).toBeGreaterThan((2 * MAX_TIMEOUT_MS) / 1000);
});
