/** Settings that change while the gateway serves. */
import { expect, onTestFinished, test } from "vitest";
import { findFreePort } from "../../../scripts/testing/local-server.ts";
import { AMPLE } from "./customers-file.ts";
import { startFakeUpstream } from "./fake-upstream-process.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { type GatewayProcess, startGateway } from "./gateway-process.ts";
import { customerEntry, makeReloadableCustomers, messagesOf, reload } from "./reloadable-customers.ts";
import { openStreamReader } from "./stream-reader.ts";

async function setUp() {
  const file = await makeReloadableCustomers();
  const secret = await file.makeSecret("shared.secret");
  return { file, secret };
}

function clientOf(gateway: GatewayProcess, customer: string, token: string) {
  return createGatewayClient({ at: gateway, customer, token });
}

function streamOf(gateway: GatewayProcess, customer: string, token: string) {
  return openStreamReader({ at: [gateway], customer, token });
}

const ofWidget = (gateway: GatewayProcess, customer: string) => fetch(`${gateway.origin}/c/${customer}/widget/`);

test("serves an added customer, ends the streams of a removed one, and keeps those of the others", async () => {
  const { file, secret } = await setUp();
  await file.write(["acme", "globex"].map((id) => customerEntry(id, secret.reference)));
  const gateway = await startGateway({ environment: file.environment });
  const tokens = { acme: await secret.sign("acme"), globex: await secret.sign("globex") };
  const acme = clientOf(gateway, "acme", tokens.acme);
  expect((await acme.setStatus(1, "available")).status).toBe(201);
  const [kept, removed] = [streamOf(gateway, "acme", tokens.acme), streamOf(gateway, "globex", tokens.globex)];
  await expect.poll(() => kept.isCurrent() && removed.isCurrent()).toBe(true);

  await file.write(["acme", "initech"].map((id) => customerEntry(id, secret.reference)));
  expect(await reload(gateway)).toBe("Settings reloaded: added customer: initech; removed customer: globex");
  // It asks again after the time that the gateway has sent.
  await expect.poll(removed.refusals).toContain(401);
  expect((await ofWidget(gateway, "globex")).status).toBe(404);
  const initech = clientOf(gateway, "initech", await secret.sign("initech"));
  expect((await initech.setStatus(7, "available")).status).toBe(201);
  expect((await initech.read(7)).status).toBe(200);
  // The stream of the unchanged customer goes on, without a new snapshot.
  const known = kept.versions().get(1) ?? 0;
  expect((await acme.setStatus(1, "do_not_disturb")).status).toBe(200);
  await expect.poll(() => kept.versions().get(1)).toBeGreaterThan(known);
  expect([kept.endings(), kept.resets()]).toEqual([0, 1]);
});

test("applies changed origins and limits, and a changed default customer, to the next request", async () => {
  const { file, secret } = await setUp();
  await file.write([customerEntry("acme", secret.reference), customerEntry("globex", secret.reference)]);
  const gateway = await startGateway({ environment: file.environment });
  const token = await secret.sign("acme");
  const stream = streamOf(gateway, "acme", token);
  await expect.poll(stream.isCurrent).toBe(true);
  const before = await ofWidget(gateway, "acme");
  expect(before.headers.get("content-security-policy")).toContain("frame-ancestors https://crm.acme.example;");

  const changed = { allowedOrigins: ["https://new.acme.example"], limits: { ...AMPLE, requestsPerMinute: 3 } };
  await file.writeText(
    JSON.stringify({
      defaultCustomer: "globex",
      customers: [customerEntry("acme", secret.reference, changed), customerEntry("globex", secret.reference)],
    }),
  );
  expect(await reload(gateway)).toBe(
    "Settings reloaded: changed customer: acme (allowedOrigins, limits.requestsPerMinute)",
  );
  const after = await fetch(`${gateway.origin}/c/acme/widget/`, { headers: { "Accept-Encoding": "br" } });
  expect(after.headers.get("content-security-policy")).toContain("frame-ancestors https://new.acme.example;");
  expect(await after.text()).toContain("https://new.acme.example");
  const ofDefault = await fetch(`${gateway.origin}/widget/`);
  expect(ofDefault.headers.get("content-security-policy")).toContain("frame-ancestors https://crm.globex.example;");
  const client = clientOf(gateway, "acme", token);
  const statuses: number[] = [];
  for (let calls = 0; calls < 5; calls += 1) statuses.push((await client.read(1)).status);
  expect(statuses.at(-1)).toBe(429);
  expect(stream.endings()).toBe(0);
});

test("refuses a bad file as a whole, names each problem, and goes on", async () => {
  const { file, secret } = await setUp();
  await file.write([customerEntry("acme", secret.reference)]);
  const adminPort = await findFreePort();
  const environment = { ...file.environment, GATEWAY_ADMIN_PORT: `${adminPort}`, LOG_LEVEL: "error" };
  const gateway = await startGateway({ environment });
  const readMetrics = async () => (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
  const token = await secret.sign("acme");
  const stream = streamOf(gateway, "acme", token);
  await expect.poll(stream.isCurrent).toBe(true);
  const bad = customerEntry("acme", secret.reference, { allowedOrigins: ["*"] });
  await file.write([bad, customerEntry("globex", "${file:missing.secret}"), customerEntry("initech", "${INITECH}")]);
  expect(await reload(gateway)).toBe("Reload rejected: the gateway goes on with the settings that it has");
  expect(await readMetrics()).toContain("\ngateway_last_reload_successful 0\n");
  const problems = messagesOf(gateway, /^Reload rejected: .*customers\./);
  expect(problems.map((problem) => /customers\.\d\.[\w.]+: .*/.exec(problem)?.[0])).toEqual([
    expect.stringMatching(
      /^customers\.1\.tokens\.secret: ".*missing\.secret" names a file that does not exist; systemd copies the files of LoadCredential /,
    ),
    "customers.2.tokens.secret: the environment has neither INITECH nor INITECH_FILE",
    expect.stringMatching(/^customers\.0\.allowedOrigins\.0: "\*" is not an exact origin/),
  ]);
  const client = clientOf(gateway, "acme", token);
  expect((await client.setStatus(1, "available")).status).toBe(201);
  await expect.poll(() => stream.versions().has(1)).toBe(true);
  expect(stream.endings()).toBe(0);
  // The file is good again.
  await file.write([customerEntry("acme", secret.reference), customerEntry("globex", secret.reference)]);
  process.kill(gateway.pid(), "SIGHUP");
  await expect.poll(async () => (await ofWidget(gateway, "globex")).status).toBe(200);
  expect(await readMetrics()).toMatch(/\ngateway_reloads_total\{result="ok"\} 1\n/);
});

test("ends the streams of a withdrawn secret at once, and rejects its tokens", async () => {
  const { file, secret } = await setUp();
  const leaked = await file.makeSecret("leaked.secret");
  await file.write([customerEntry("acme", [leaked.reference, secret.reference])]);
  const gateway = await startGateway({ environment: file.environment });
  const [leakedToken, goodToken] = [await leaked.sign("acme"), await secret.sign("acme")];
  const [leakedStream, goodStream] = [leakedToken, goodToken].map((token) => streamOf(gateway, "acme", token));
  if (!leakedStream || !goodStream) throw new Error("Two streams are needed");
  await expect.poll(() => leakedStream.isCurrent() && goodStream.isCurrent()).toBe(true);
  const clients = [leakedToken, goodToken].map((token) => clientOf(gateway, "acme", token));
  // The tokens are in the cache from now on.
  expect(await Promise.all(clients.map(async (client) => (await client.setStatus(1, "available")).status))).toContain(
    201,
  );

  await file.write([customerEntry("acme", secret.reference)]);
  expect(await reload(gateway)).toBe("Settings reloaded: changed customer: acme (tokens.secret)");
  expect(await Promise.all(clients.map(async (client) => (await client.read(1)).status))).toEqual([401, 200]);
  await expect.poll(leakedStream.refusals).toContain(401);
  expect([goodStream.endings(), goodStream.resets()]).toEqual([0, 1]);
});

test("rotates a secret at two gateways without a rejected call, in the steps of docs/tokens.md", async () => {
  const { file, secret: former } = await setUp();
  await file.write([customerEntry("acme", former.reference)]);
  const gateways = await Promise.all([1, 2].map(() => startGateway({ environment: file.environment })));
  const next = await file.makeSecret("next.secret");
  let signer = former;
  const statuses = new Map<number, number>();
  let isOver = false;
  const call = async (gateway: GatewayProcess): Promise<void> => {
    while (!isOver) {
      const { status } = await clientOf(gateway, "acme", await signer.sign("acme")).setStatus(1, "available");
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const calls = Promise.all(gateways.map(call));
  onTestFinished(() => {
    isOver = true;
  });
  const countCalls = () => [...statuses.values()].reduce((sum, count) => sum + count, 0);
  const moreCalls = async () => {
    const from = countCalls();
    await expect.poll(countCalls).toBeGreaterThan(from + 20);
  };
  await moreCalls();
  // 1. Both secrets at each gateway, one after the other.
  await file.write([customerEntry("acme", [former.reference, next.reference])]);
  for (const gateway of gateways) {
    await reload(gateway);
    await moreCalls();
  }
  // 2. The customer signs with the new one.
  signer = next;
  await moreCalls();
  // 3. Without the old one, once its last token has ended: calls in flight have got their responses.
  await file.write([customerEntry("acme", next.reference)]);
  for (const gateway of gateways) {
    await reload(gateway);
    await moreCalls();
  }
  isOver = true;
  await calls;
  expect(new Set(statuses.keys())).toEqual(new Set([200, 201]));
  // Nothing else is accepted any more.
  const refused = await clientOf(gateways[0] ?? fail(), "acme", await former.sign("acme")).read(1);
  expect(refused.status).toBe(401);
});

function fail(): never {
  throw new Error("There is no gateway");
}

test("replaces a changed upstream without a rejected read or change", async () => {
  const { file, secret } = await setUp();
  const fake = await startFakeUpstream(3);
  const upstreamWith = (requestsPerMinute: number) => {
    return customerEntry("acme", secret.reference, { upstream: fake.settings({ requestsPerMinute }) });
  };
  await file.write([upstreamWith(3000)]);
  const gateway = await startGateway({ environment: { ...file.environment, ...fake.environment } });
  const client = clientOf(gateway, "acme", await secret.sign("acme"));
  await expect.poll(async () => (await client.read(1)).status).toBe(200);
  const statuses = new Map<number, number>();
  let isOver = false;
  const read = async (): Promise<void> => {
    while (!isOver) {
      const { status } = await client.read(1);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const reading = read();
  onTestFinished(() => {
    isOver = true;
  });
  // A change is in flight while the upstream is replaced.
  await fake.setFault({ kind: "slow", delayMs: 1000 });
  const change = client.setStatus(2, "do_not_disturb");
  const before = await fake.requestCount();
  await expect.poll(fake.requestCount).toBeGreaterThan(before);
  await file.write([upstreamWith(6000)]);
  expect(await reload(gateway)).toBe("Settings reloaded: changed customer: acme (upstream.requestsPerMinute)");
  expect((await change).status).toBe(200);
  await fake.setFault(undefined);
  await fake.setAvailability(3, "in_call");
  await expect.poll(async () => (await client.read(3)).body).toMatchObject({ status: "in_call" });
  isOver = true;
  await reading;
  expect([...statuses.keys()]).toEqual([200]);
});

test("reloads at each signal, and none ends it", async () => {
  const { file, secret } = await setUp();
  await file.write([customerEntry("acme", secret.reference)]);
  const gateway = await startGateway({ environment: file.environment });
  for (let signals = 0; signals < 3; signals += 1) expect(await reload(gateway)).toContain("no customer has changed");
  expect(await gateway.terminate()).toEqual({ exitCode: 0, signal: null });
});
