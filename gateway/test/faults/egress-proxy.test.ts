/** A gateway that reaches key sets and telephony systems through a proxy alone. */
import { once } from "node:events";
import { createServer, request as requestPlainly, type Server } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect, type Socket } from "node:net";
import { SignJWT } from "jose";
import { expect, onTestFinished, test } from "vitest";
import { canMakeCertificates, makeCertificate } from "../test-certificate.ts";
import { makeKey } from "../test-tokens.ts";
import { startFakeUpstream } from "./fake-upstream-process.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { startGateway } from "./gateway-process.ts";
import { customerEntry, makeReloadableCustomers } from "./reloadable-customers.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

/** Names that no resolver knows: only the proxy reaches them. */
const [LOGIN, API] = ["login.acme.test", "api.phone.test"];

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** Opens tunnels to this machine's ports, under whichever name, for callers who know the password. */
async function startTunnelProxy() {
  const tunnels: string[] = [];
  const credentials = new Set<string | undefined>();
  const server = createServer().on("connect", (request, client: Socket) => {
    const { hostname, port } = new URL(`http://${request.url}`);
    tunnels.push(hostname);
    credentials.add(request.headers["proxy-authorization"]);
    const target = connect(Number(port), "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      target.pipe(client).pipe(target);
    });
    for (const socket of [client, target]) {
      socket.on("error", () => {
        client.destroy();
        target.destroy();
      });
    }
    onTestFinished(() => void client.destroy());
  });
  return { port: await listen(server), tunnels, credentials };
}

/** Serves a key set and the API of a telephony system over TLS, and a gateway that is to reach them. */
async function setUp(environment: Readonly<Record<string, string>>) {
  const file = await makeReloadableCustomers();
  const certificate = makeCertificate(await makeTemporaryDirectory(), [LOGIN ?? "", API ?? ""]);
  const { privateKey, jwk } = await makeKey("ES256", "first");
  const fake = await startFakeUpstream(3);
  const port = await listen(
    createTlsServer({ cert: certificate.cert, key: certificate.key }, (request, response) => {
      if (request.headers.host?.startsWith(LOGIN ?? "")) {
        response.setHeader("Content-Type", "application/json").end(JSON.stringify({ keys: [jwk] }));
        return;
      }
      const { method = "GET", headers } = request;
      const forwarded = requestPlainly(`${fake.origin}${request.url}`, { method, headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 502, answer.headers);
        answer.pipe(response);
      });
      request.pipe(forwarded.on("error", () => response.destroy()));
    }),
  );
  const tokens = { algorithm: "ES256", issuer: "acme", audience: "gateway", jwksUrl: `https://${LOGIN}:${port}/keys` };
  const baseUrl = `https://${API}:${port}`;
  const upstream = { kind: "aircall", baseUrl, apiId: "${FAKE_API_ID}", apiToken: "${FAKE_API_TOKEN}" };
  await file.write([customerEntry("acme", "", { tokens, upstream: { ...upstream, requestsPerMinute: 6000 } })]);
  const gateway = await startGateway({
    environment: {
      ...file.environment,
      ...fake.environment,
      NODE_EXTRA_CA_CERTS: certificate.certPath,
      ...environment,
    },
  });
  const token = await new SignJWT({ customer: "acme", sub: "operator", scope: "availability:read" })
    .setProtectedHeader({ alg: "ES256", kid: "first" })
    .setIssuer("acme")
    .setAudience("gateway")
    .setExpirationTime("5m")
    .sign(privateKey);
  return { gateway, client: createGatewayClient({ at: gateway, customer: "acme", token }) };
}

test.skipIf(!canMakeCertificates)(
  "fetches key sets and polls telephony systems through HTTPS_PROXY, and writes its password nowhere",
  async () => {
    const proxy = await startTunnelProxy();
    const { gateway, client } = await setUp({ HTTPS_PROXY: `http://user:hunter2@127.0.0.1:${proxy.port}` });
    await expect.poll(async () => (await client.read(1)).status).toBe(200);
    expect(new Set(proxy.tunnels)).toEqual(new Set([LOGIN, API]));
    expect([...proxy.credentials]).toEqual([`Basic ${Buffer.from("user:hunter2").toString("base64")}`]);
    expect(gateway.lines().join("\n")).not.toContain("hunter2");
  },
);

test.skipIf(!canMakeCertificates)("calls the hosts of NO_PROXY directly", async () => {
  const proxy = await startTunnelProxy();
  const { gateway, client } = await setUp({
    https_proxy: `http://user:hunter2@127.0.0.1:${proxy.port}`,
    NO_PROXY: ".acme.test",
  });
  // Nothing answers at the name without the proxy.
  await expect.poll(async () => (await client.read(1)).status).toBe(503);
  await expect.poll(() => new Set(proxy.tunnels)).toEqual(new Set([API]));
  expect(gateway.lines().join("\n")).not.toContain("hunter2");
});
