/** A gateway whose own port has TLS. */
import { copyFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { canMakeCertificates, makeCertificate } from "../test-certificate.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { startGateway } from "./gateway-process.ts";
import { customerEntry, makeReloadableCustomers, reload } from "./reloadable-customers.ts";
import { openStreamReader } from "./stream-reader.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

const NAMES = ["127.0.0.1"];

/** Starts a gateway with TLS and one customer. */
async function setUp() {
  const file = await makeReloadableCustomers();
  const secret = await file.makeSecret("acme.secret");
  await file.write([customerEntry("acme", secret.reference)]);
  const directory = await makeTemporaryDirectory();
  const first = makeCertificate(directory, NAMES, { prefix: "first" });
  const [certPath, keyPath] = [join(directory, "server.crt"), join(directory, "server.key")];
  await copyFile(first.certPath, certPath);
  await copyFile(first.keyPath, keyPath);
  const environment = { ...file.environment, GATEWAY_TLS_CERT: certPath, GATEWAY_TLS_KEY: keyPath };
  const gateway = await startGateway({ environment, certificate: first.cert });
  return { gateway, token: await secret.sign("acme"), directory, certPath, keyPath };
}

test.skipIf(!canMakeCertificates)(
  "serves over TLS alone, and takes another certificate at a reload without ending a connection",
  async () => {
    const { gateway, token, directory, certPath, keyPath } = await setUp();
    const clientAt = (at: { readonly origin: string; readonly certificate?: string }) =>
      createGatewayClient({ at, customer: "acme", token });
    const early = clientAt(gateway);
    expect((await early.setStatus(1, "available")).status).toBe(201);
    const stream = openStreamReader({ at: [gateway], customer: "acme", token });
    await expect.poll(stream.isCurrent).toBe(true);

    const second = makeCertificate(directory, NAMES, { prefix: "second" });
    await copyFile(second.certPath, certPath);
    await copyFile(second.keyPath, keyPath);
    expect(await reload(gateway)).toContain("Settings reloaded");
    const late = { origin: gateway.origin, certificate: second.cert };
    expect((await clientAt(late).read(1)).status).toBe(200);
    // New connections do not get the former certificate, and open ones go on.
    expect((await clientAt(gateway).read(1)).status).toBe(0);
    expect((await early.setStatus(1, "do_not_disturb")).status).toBe(200);
    expect(stream.endings()).toBe(0);

    await writeFile(keyPath, "no key");
    expect(await reload(gateway)).toContain("Reload rejected");
    expect((await clientAt(late).read(1)).status).toBe(200);
  },
);

test.skipIf(!canMakeCertificates)("closes a connection that speaks no TLS", async () => {
  const { gateway, token } = await setUp();
  const socket = connect(gateway.port, "127.0.0.1");
  let isClosed = false;
  socket
    .on("error", () => {})
    .on("close", () => {
      isClosed = true;
    });
  socket.resume().write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await expect.poll(() => isClosed).toBe(true);
  expect((await createGatewayClient({ at: gateway, customer: "acme", token }).setStatus(1, "available")).status).toBe(
    201,
  );
});
