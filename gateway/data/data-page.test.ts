/** Claims of docs/data.md that the program decides. */
import { readFileSync } from "node:fs";
import { PassThrough } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import { createStoreKeys } from "../store/redis/keys.ts";
import { singleRedis } from "../store/redis/redis-server-options.ts";
import { createRedisStore } from "../store/redis-store.ts";
import { hasRedisServer, startRedisServer } from "../test/redis-server.ts";
import { createCommandAudit } from "./command-audit.ts";
import { DATA_COMMANDS, readDataCommand } from "./data-command.ts";
import { formatExport, parseExport } from "./export-format.ts";

const page = readFileSync("docs/data.md", "utf8");
const PREFIX = "test";

/** Keys in the page's table. */
function documentedKeys(): readonly string[] {
  const [, section = ""] = page.split("\n### Redis\n");
  const [own = ""] = section.split("\n### ");
  return Array.from(own.matchAll(/^\| `([^`]+)` \|/gm), ([, name = ""]) => name).sort();
}

/** Returns a key as the page writes it. */
function toDocumented(key: string): string {
  return key
    .replace(/^\{test:00\}:/, "")
    .replace(/^(agents?|list|erased|blocked|slots):acme/, "$1:<customer>")
    .replace(/^slots:<customer>:.*$/, "slots:<customer>:<part>")
    .replace(/^polled:.*$/, "polled:<fingerprint>")
    .replace(/^lease:.*$/, "lease:<task>")
    .replace(/:7$/, ":<user>");
}

test("lists each key that a store can write", () => {
  const keys = createStoreKeys(PREFIX);
  const names = Object.values(keys).map((key) => (typeof key === "string" ? key : key("acme", "7")));
  expect(names.map(toDocumented).sort()).toEqual(documentedKeys());
});

/** Returns a key of docs/redis.md as the page writes it. */
function toDocumentedName(name: string): string {
  return name.replace("<user id>", "<user>").replace("<poll, refresh or write>", "<part>");
}

test("lists the same keys as docs/redis.md", () => {
  const rows = readFileSync("docs/redis.md", "utf8").matchAll(/^\| `\{availability-bridge:00\}:([^`]+)` \|/gm);
  const names = Array.from(rows, ([, name = ""]) => toDocumentedName(name));
  expect(names.sort()).toEqual(documentedKeys());
});

test.skipIf(!hasRedisServer)("lists each key that Redis has after a run, and no other", async () => {
  const server = await startRedisServer();
  onTestFinished(server.remove);
  const store = createRedisStore({
    server: { ...singleRedis(server.url), keyPrefix: PREFIX },
    log: { line: () => {}, warning: () => {} },
  });
  onTestFinished(store.close);
  const acme = store.forCustomer("acme");
  await acme.set(8, { status: "available" });
  await acme.erase([8]);
  await acme.set(7, { status: "available" });
  await acme.recordPage({
    page: 1,
    readAt: await acme.startRead(),
    isLast: true,
    pageIntervalMs: 2_000,
    graceMs: 5_000,
  });
  await store.lease("poll", 60_000);
  await acme.requestSlots.take({ share: "poll", id: "1", slots: 30, durationMs: 61_000 });
  await acme.requestSlots.block(60_000);
  await store.gateways.announce({ customerIds: ["acme"], listedCustomerIds: [], durationMs: 7_000 });
  await acme.eraseOutdated();
  const keys = (await server.command(["KEYS", "*"])) as readonly string[];
  expect(keys.map(toDocumented).sort()).toEqual(documentedKeys());
});

test("shows commands that the program accepts", () => {
  const commands = Array.from(page.matchAll(/^availability-gateway (.+)$/gm), ([, text = ""]) => text);
  expect(commands.length).toBeGreaterThan(3);
  for (const command of commands) {
    const args = command.replace(/ [<>]+ .*$/, "").split(" ");
    expect(readDataCommand(args)).toMatchObject({ kind: args[0] });
  }
  for (const name of Object.keys(DATA_COMMANDS)) expect(page).toContain(`availability-gateway ${name} `);
});

test("shows audit lines with the keys, in the order, that the commands write", () => {
  const shown = page.split("\n").filter((line) => line.endsWith('"msg":"audit"}'));
  expect(shown).toHaveLength(3);
  for (const line of shown) {
    const { level, time, command, account, machine, msg: _, ...change } = JSON.parse(line);
    const output = new PassThrough();
    createCommandAudit({ command, operator: { account, machine }, level, output })(change);
    const { time: now, ...written } = JSON.parse(String(output.read()));
    expect(Date.parse(now)).toBeGreaterThan(Date.parse(time));
    expect(JSON.stringify({ level, time, ...written })).toBe(line);
  }
});

test("shows an export that the program reads and writes", () => {
  const [, example = ""] = /```jsonl\n(.*?)```/s.exec(page) ?? [];
  const agents = parseExport(example);
  expect(agents).toHaveLength(2);
  const { exportedAt } = JSON.parse(example.split("\n")[0] ?? "");
  expect([...formatExport(agents, Date.parse(exportedAt))].join("\n")).toBe(example.trim());
});
