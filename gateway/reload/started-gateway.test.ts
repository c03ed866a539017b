/** Reloads of a gateway in this process. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { SignJWT } from "jose";
import { expect, onTestFinished, test } from "vitest";
import { startGateway } from "../start.ts";
import { TEST_BUILD, writeBuild } from "../test/test-build.ts";
import { throwDefect } from "../test/test-gateway.ts";
import { makeKey, serveJwks } from "../test/test-tokens.ts";

/** Starts a gateway with the variables and files, which the test may change. */
async function setUp(variables: Readonly<Record<string, string>>, files: Readonly<Record<string, string>>) {
  const { directory, remove } = await writeBuild(TEST_BUILD);
  const folder = mkdtempSync(join(tmpdir(), "reload-"));
  onTestFinished(async () => {
    rmSync(folder, { recursive: true });
    await remove();
  });
  const write = (name: string, content: string) => writeFileSync(join(folder, name), content);
  for (const [name, content] of Object.entries(files)) write(name, content);
  const lines: string[] = [];
  const stages: string[] = [];
  const gateway = await startGateway({
    environment: {
      GATEWAY_PORT: "0",
      GATEWAY_ADMIN_PORT: "0",
      CREDENTIALS_DIRECTORY: folder,
      ...withFolder(variables, folder),
    },
    buildDirectory: directory,
    print: (line) => void lines.push(line),
    onDefect: throwDefect,
    openFileLimit: 1_000_000,
    logDestination: { write: (line) => void lines.push(line), flush: () => Promise.resolve() },
    reloadObserver: {
      onReloading: () => void stages.push("reloading"),
      onReloaded: (outcome) => void stages.push(outcome),
    },
  });
  onTestFinished(gateway.close);
  const read = async (customer: string, token: string) => {
    const headers = { Authorization: `Bearer ${token}` };
    return (await fetch(`${gateway.origin}${customer}/v1/users/101/availability`, { headers })).status;
  };
  return { gateway, write, lines, stages, read };
}

/** Gives the customers' file its folder: unlike the path of a secret, its path starts at the working directory. */
function withFolder(variables: Readonly<Record<string, string>>, folder: string): Readonly<Record<string, string>> {
  const { GATEWAY_CONFIG: name } = variables;
  return name === undefined ? variables : { ...variables, GATEWAY_CONFIG: join(folder, name) };
}

const SHARED = { issuer: "acme", audience: "gateway" };

function customersFile(tokens: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ customers: [{ id: "acme", allowedOrigins: ["https://crm.acme.example"], tokens }] });
}

function unsigned(customer: string): SignJWT {
  return new SignJWT({ customer, sub: "operator", scope: "availability:read" })
    .setIssuer("acme")
    .setAudience("gateway")
    .setExpirationTime("5m");
}

test("keeps the keys of a key set whose server is away when other rules for the tokens change", async () => {
  const { privateKey, jwk } = await makeKey("ES256", "first");
  const keySet = await serveJwks([jwk]);
  const tokens = { algorithm: "ES256", ...SHARED, jwksUrl: keySet.url };
  const { gateway, write, read, stages } = await setUp(
    { GATEWAY_CONFIG: "customers.json" },
    { "customers.json": customersFile(tokens) },
  );
  const sign = () =>
    unsigned("acme")
      .setJti(Math.random().toString())
      .setProtectedHeader({ alg: "ES256", kid: "first" })
      .sign(privateKey);
  expect(await read("/c/acme", await sign())).toBe(404);
  await keySet.close();
  write("customers.json", customersFile({ ...tokens, leewaySeconds: 60 }));
  expect(gateway.reload()).toBe("reloaded");
  expect(await read("/c/acme", await sign())).toBe(404);
  write("customers.json", "{");
  expect(gateway.reload()).toBe("rejected");
  expect(stages).toEqual(["reloading", "reloaded", "reloading", "rejected"]);
});

test("counts reloads by their result in its metrics, and has the time of the last successful one", async () => {
  const tokens = { algorithm: "HS256", ...SHARED, secret: "${file:secret}" };
  const { gateway, write } = await setUp(
    { GATEWAY_CONFIG: "customers.json" },
    { "customers.json": customersFile(tokens), secret: "s".repeat(32) },
  );
  const measure = async () => {
    const text = await (await fetch(`${gateway.adminOrigin}/metrics`)).text();
    const valueOf = (series: string) => Number(text.split(`\n${series} `)[1]?.split("\n")[0]);
    return {
      counts: ["ok", "rejected"].map((result) => valueOf(`gateway_reloads_total{result="${result}"}`)),
      isSuccessful: valueOf("gateway_last_reload_successful"),
      lastSuccess: valueOf("gateway_last_reload_success_timestamp_seconds"),
    };
  };
  const started = await measure();
  expect(started).toMatchObject({ counts: [0, 0], isSuccessful: 1 });
  expect(Math.abs(started.lastSuccess - Date.now() / 1000)).toBeLessThan(60);
  write("customers.json", "{");
  gateway.reload();
  expect(await measure()).toEqual({ counts: [0, 1], isSuccessful: 0, lastSuccess: started.lastSuccess });
  write("customers.json", customersFile(tokens));
  gateway.reload();
  const reloaded = await measure();
  expect(reloaded).toMatchObject({ counts: [1, 1], isSuccessful: 1 });
  expect(reloaded.lastSuccess).toBeGreaterThan(started.lastSuccess);
});

test("counts tokens by the secret that has verified them, while a customer has several", async () => {
  const [old, next] = ["a".repeat(32), "b".repeat(32)];
  const tokens = { algorithm: "HS256", ...SHARED };
  const { gateway, write, read } = await setUp(
    { GATEWAY_CONFIG: "customers.json" },
    { "customers.json": customersFile({ ...tokens, secret: "${file:old}" }), old, next },
  );
  const sign = (secret: string) =>
    unsigned("acme")
      .setJti(Math.random().toString())
      .setProtectedHeader({ alg: "HS256" })
      .sign(new TextEncoder().encode(secret));
  const counts = async () => {
    const text = await (await fetch(`${gateway.adminOrigin}/metrics`)).text();
    return text.split("\n").filter((line) => line.startsWith("gateway_tokens_verified_total{"));
  };
  expect(await read("/c/acme", await sign(old))).toBe(404);
  expect(await counts()).toEqual([]);
  write("customers.json", customersFile({ ...tokens, secret: ["${file:old}", "${file:next}"] }));
  expect(gateway.reload()).toBe("reloaded");
  for (const secret of [next, old, next]) expect(await read("/c/acme", await sign(secret))).toBe(404);
  expect((await counts()).sort()).toEqual([
    'gateway_tokens_verified_total{customer="acme",secret="1"} 1',
    'gateway_tokens_verified_total{customer="acme",secret="2"} 2',
  ]);
});

test("reads the secret of a gateway without a customers' file again", async () => {
  const [first, second] = ["a".repeat(32), "b".repeat(32)];
  const variables = { JWT_ALGORITHM: "HS256", JWT_ISSUER: "acme", JWT_AUDIENCE: "gateway", JWT_SECRET_FILE: "secret" };
  const { gateway, write, read, lines } = await setUp(variables, { secret: `${first}\n` });
  const sign = (secret: string | undefined) =>
    unsigned("demo").setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(secret));
  expect(await read("", await sign(first))).toBe(200);
  write("secret", `${second}\n`);
  expect(gateway.reload()).toBe("reloaded");
  expect([await read("", await sign(first)), await read("", await sign(second))]).toEqual([401, 200]);
  expect(lines).toContain("Settings reloaded: changed customer: demo (tokens.secret)");
});
