/** Commands about data, beside running gateways. */
import { expect, onTestFinished, test } from "vitest";
import { hasRedisServer, startRedisServer } from "../redis-server.ts";
import { openRelay } from "../relay.ts";
import { type CustomersFile, writeCustomersFile } from "./customers-file.ts";
import { auditsIn, OPERATOR, runCommand } from "./data-command-process.ts";
import { startFakeUpstream } from "./fake-upstream-process.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { type GatewayProcess, startGateway } from "./gateway-process.ts";
import { openStreamReader } from "./stream-reader.ts";

const testOverProcesses = test.skipIf(!hasRedisServer);

interface SetUpOptions {
  readonly customers?: Parameters<typeof writeCustomersFile>[0];
  /** Further variables of the gateways and of the commands. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Two gateways over Redis, each with users 1 to 3 of acme, and the gateway's commands over the same settings. */
async function setUp({ customers: details, environment: more }: SetUpOptions = {}) {
  const customers = await writeCustomersFile(details);
  const redis = await startRedisServer();
  onTestFinished(redis.remove);
  const environment = { ...customers.environment, ...more, REDIS_URL: redis.url };
  const gateways = await Promise.all([startGateway({ environment }), startGateway({ environment })]);
  const clients = await Promise.all(gateways.map((gateway) => openClient(gateway, customers)));
  const [first, second] = clients;
  if (!first || !second) throw new Error("There are no two gateways");
  for (const userId of [1, 2, 3]) expect(await first.setStatus(userId, "available")).toMatchObject({ status: 201 });
  await expect.poll(async () => [...(await second.versions()).keys()]).toEqual([1, 2, 3]);
  return {
    redis,
    customers,
    gateways,
    first,
    second,
    run: (args: string, input?: string) => runCommand(args, environment, input),
  };
}

async function openClient(gateway: GatewayProcess, customers: CustomersFile) {
  return createGatewayClient({ at: gateway, customer: "acme", token: await customers.token("acme") });
}

testOverProcesses("erases a user at both gateways, and the user comes back with a higher version", async () => {
  const { first, second, gateways, customers, run } = await setUp();
  const reader = openStreamReader({ at: gateways, customer: "acme", token: await customers.token("acme") });
  await expect.poll(reader.isCurrent).toBe(true);
  const before = reader.versions().get(2) ?? 0;
  const { exitCode, lines } = await run("erase --customer acme --user 2 --yes");
  expect(lines).toContain("Erased 1 user of customer acme: 2");
  expect(auditsIn(lines)).toMatchObject([{ customer: "acme", userId: 2, command: "erase", ...OPERATOR, status: 200 }]);
  expect(exitCode).toBe(0);
  await expect.poll(() => [...reader.versions().keys()]).toEqual([1, 3]);
  for (const client of [first, second]) {
    expect(await client.read(2)).toMatchObject({ status: 404 });
    expect([...(await client.versions()).keys()]).toEqual([1, 3]);
  }
  expect(await second.setStatus(2, "do_not_disturb")).toMatchObject({ status: 201 });
  await expect.poll(() => reader.versions().get(2)).toBeGreaterThan(before);
  expect(reader.failure()).toBeUndefined();
});

testOverProcesses("erases a customer while a gateway is suspended, which does not give it back", async () => {
  const { redis, first, second, gateways, run } = await setUp();
  const pid = gateways[1]?.pid() ?? 0;
  process.kill(pid, "SIGSTOP");
  const { exitCode, lines } = await run("erase --customer acme --yes");
  process.kill(pid, "SIGCONT");
  expect(lines).toContain("Erased 3 users of customer acme: 1, 2, 3, and all other data of the customer");
  expect(exitCode).toBe(0);
  for (const client of [first, second]) await expect.poll(async () => (await client.versions()).size).toBe(0);
  expect(await redis.command(["KEYS", "*agent*"])).toEqual([]);
  // Both gateways write after the erasure.
  expect(await second.setStatus(1, "do_not_disturb")).toMatchObject({ status: 201 });
  await expect.poll(async () => [...(await first.versions()).keys()]).toEqual([1]);
});

testOverProcesses(
  "erases a user while a gateway is cut off from Redis, which does not give the user back",
  async () => {
    const { redis, customers, gateways, first, run } = await setUp();
    const relay = await openRelay(Number(new URL(redis.url).port));
    onTestFinished(relay.close);
    const [, second] = gateways;
    await second?.terminate();
    await second?.start({
      environment: { ...second.environment, REDIS_URL: `redis://127.0.0.1:${relay.port}` },
    });
    if (!second) throw new Error("There are no two gateways");
    const cutOff = await openClient(second, customers);
    expect(await cutOff.read(2)).toMatchObject({ status: 200 });
    relay.cutAt("");
    await expect.poll(async () => (await cutOff.read(2)).ageSeconds).toBeGreaterThan(0);
    expect(await run("erase --customer acme --user 2 --yes")).toMatchObject({ exitCode: 0 });
    expect(await cutOff.read(2)).toMatchObject({ status: 200 });
    relay.stopCutting();
    await expect.poll(async () => (await cutOff.read(2)).status).toBe(404);
    expect(await cutOff.setStatus(3, "do_not_disturb")).toMatchObject({ status: 200 });
    for (const client of [first, cutOff]) {
      await expect.poll(async () => (await client.read(3)).body).toMatchObject({ status: "do_not_disturb" });
      expect(await client.read(2)).toMatchObject({ status: 404 });
    }
    expect(await redis.command(["KEYS", "*agent*:2"])).toEqual([]);
  },
);

testOverProcesses("erases a customer with a telephony system until the next poll, and says so", async () => {
  const upstream = await startFakeUpstream(3);
  const { customers, gateways, run } = await setUp({
    customers: { globex: { upstream: upstream.settings() } },
    environment: upstream.environment,
  });
  const [gateway] = gateways;
  if (!gateway) throw new Error("There is no gateway");
  const client = createGatewayClient({ at: gateway, customer: "globex", token: await customers.token("globex") });
  await expect.poll(async () => (await client.read(1)).status).toBe(200);
  const before = await client.versions();
  const { exitCode, lines } = await run("erase --customer globex --yes");
  expect(exitCode).toBe(0);
  expect(lines.join("\n")).toContain("the next poll adds again whom the telephony system still has");
  await expect
    .poll(async () => {
      const after = await client.versions();
      return [...before].map(([userId, version]) => (after.get(userId) ?? 0) > version);
    })
    .toEqual([true, true, true]);
});

testOverProcesses("keeps an erasure when Redis restarts, with its data and without", async () => {
  const { redis, first, second, run } = await setUp();
  expect(await run("erase --customer acme --user 2 --yes")).toMatchObject({ exitCode: 0 });
  await redis.kill();
  await redis.start();
  for (const client of [first, second])
    await expect.poll(async () => [...(await client.versions()).keys()]).toEqual([1, 3]);
  await redis.kill();
  await redis.wipe();
  await redis.start();
  await expect.poll(async () => (await first.setStatus(1, "do_not_disturb")).status).toBe(200);
  for (const client of [first, second]) {
    await expect.poll(async () => (await client.setStatus(3, "available")).status).toBe(200);
    expect([...(await client.versions()).keys()]).toEqual([1, 3]);
  }
  expect(await redis.command(["KEYS", "*agent*:2"])).toEqual([]);
});

testOverProcesses("restores an export at running gateways, whose streams receive it with higher versions", async () => {
  const { first, second, gateways, customers, run } = await setUp();
  const exported = await run("export --customer acme");
  expect(exported).toMatchObject({
    exitCode: 0,
    lines: expect.arrayContaining([expect.stringContaining('"userId":2')]),
  });
  const file = exported.lines.filter((line) => line.startsWith("{")).join("\n");
  const reader = openStreamReader({ at: gateways, customer: "acme", token: await customers.token("acme") });
  await expect.poll(reader.isCurrent).toBe(true);
  await first.setStatus(1, "do_not_disturb");
  expect(await run("erase --customer acme --user 2 --yes")).toMatchObject({ exitCode: 0 });
  await expect.poll(() => [...reader.versions().keys()]).toEqual([1, 3]);
  const before = await first.versions();

  const tried = await run("restore --customer acme --dry-run", file);
  expect(tried).toMatchObject({ exitCode: 0 });
  expect(tried.lines).toContain("Would restore agents of customer acme: 2; unchanged: 1");
  expect(await first.versions()).toEqual(before);

  const restored = await run("restore --all", file);
  expect(restored.lines).toContain("Restored agents of customer acme: 2; unchanged: 1");
  expect(auditsIn(restored.lines)).toMatchObject([
    { userId: 1, command: "restore", ...OPERATOR, status: 200, from: "do_not_disturb", to: "available" },
    { userId: 2, command: "restore", ...OPERATOR, status: 201, to: "available" },
  ]);
  expect(restored.exitCode).toBe(0);
  await expect.poll(() => [...reader.versions().keys()].sort((a, b) => a - b)).toEqual([1, 2, 3]);
  const after = await second.versions();
  expect(after.get(1)).toBeGreaterThan(before.get(1) ?? Infinity);
  expect(after.get(2)).toBeGreaterThan(before.get(1) ?? Infinity);
  expect(after.get(3)).toBe(before.get(3));
  expect(await second.read(1)).toMatchObject({ body: { status: "available" } });
  await expect.poll(reader.versions).toEqual(after);
  expect(reader.failure()).toBeUndefined();
});

testOverProcesses("restores nothing of a file with a problem", async () => {
  const { first, run } = await setUp();
  const exported = await run("export --all");
  const file = exported.lines.filter((line) => line.startsWith("{"));
  const before = await first.versions();
  const cut = await run("restore --all", file.slice(0, -1).join("\n"));
  expect(cut.exitCode).toBe(1);
  expect(cut.lines.join("\n")).toContain("the file is cut off");
  const wrong = await run("restore --all", file.join("\n").replace('"status":"available"', '"status":"busy"'));
  expect(wrong.exitCode).toBe(1);
  expect(wrong.lines.join("\n")).toMatch(/^line 2: status: expected one of .*, came "busy"$/);
  expect(await first.versions()).toEqual(before);
});

testOverProcesses("says what is wrong with the command, and does nothing", async () => {
  const { customers, redis, first, run } = await setUp();
  for (const args of ["erase --yes", "erase --customer ACME --user x", "export", "restore --customer acme --all"]) {
    expect(await run(args)).toMatchObject({ exitCode: 2 });
  }
  expect(await run("erase --customer acme")).toMatchObject({
    exitCode: 2,
    lines: [expect.any(String), "Without a terminal to ask at, erase needs --yes. Nothing was erased"],
  });
  const { lines, exitCode } = await runCommand("export --all", customers.environment);
  expect(exitCode).toBe(1);
  expect(lines.join("\n")).toContain("REDIS_URL: expected the Redis of the running gateways, came nothing");
  expect([...(await first.versions()).keys()]).toEqual([1, 2, 3]);
  await redis.kill();
  expect(await run("erase --customer acme --yes")).toMatchObject({
    exitCode: 1,
    lines: expect.arrayContaining(["Redis did not accept writes within 15 s. Nothing was done"]),
  });
});
