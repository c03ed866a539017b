import { PassThrough, Readable, Writable } from "node:stream";
import { describe, expect, test } from "vitest";
import { CommandLineError } from "../command-line.ts";
import { type AvailabilityStore, StoreUnavailableError } from "../store/availability-store.ts";
import { createMemoryStore } from "../store/memory-store.ts";
import { readDataCommand } from "./data-command.ts";
import { DataCommandError } from "./data-command-context.ts";
import { ExportFileError } from "./export-format.ts";
import { runDataCommand } from "./run-data-command.ts";

const never = new AbortController().signal;
const TIME = "2026-01-31T12:00:00.000Z";
const OPERATOR = { account: "alice", machine: "gateway-1" };

/** The demo's customer with users 17 and 18, in a store that the commands share. */
async function setUp(change: (store: AvailabilityStore) => AvailabilityStore = (store) => store) {
  const store = createMemoryStore();
  const audits: unknown[] = [];
  const demo = store.forCustomer("demo");
  await demo.set(17, { status: "available", wrapUp: { configuredSeconds: 30, leftSeconds: 12 } });
  await demo.set(18, { status: "offline" });
  const replica = await demo.open(never);

  /** Input of a command, and further variables. */
  interface Input {
    readonly answer?: string;
    readonly file?: string;
    readonly environment?: Readonly<Record<string, string>>;
  }

  /** Runs a command, with an answer at a terminal or with a file. Resolves with all lines but those of the audit. */
  async function run(text: string, { answer, file = "", environment }: Input = {}) {
    const command = readDataCommand(text.split(" "));
    if (!command) throw new Error(`${text} is no command`);
    const lines: string[] = [];
    const output = new Writable({
      write(chunk, _encoding, done) {
        for (const line of String(chunk).trimEnd().split("\n")) {
          if (line.includes('"msg":"audit"')) audits.push(JSON.parse(line));
          else lines.push(line);
        }
        done();
      },
    });
    const terminal = answer === undefined ? undefined : Object.assign(new PassThrough(), { isTTY: true });
    terminal?.end(answer);
    await runDataCommand(command, {
      environment: { REDIS_URL: "redis://redis.example.com", ...environment },
      input: terminal ?? Readable.from([file]),
      output,
      operator: OPERATOR,
      print: (line) => void lines.push(line),
      openStore: () => change(store),
    });
    return lines;
  }
  return { store, demo, replica, run, audits };
}

test("erases after a person at a terminal has typed the customer's id", async () => {
  const { replica, run } = await setUp();
  const lines = await run("erase --customer demo --user 17 --user 99", { answer: "demo\n" });
  expect(lines).toEqual([
    "Customer demo is in the settings, and goes on without the erased users",
    "This erases users 17, 99 of customer demo, at every gateway. It cannot be undone. Type the customer's id to go on:",
    "Erased 1 user of customer demo: 17",
    "Not stored: 99",
  ]);
  expect([...replica.agents()].map(({ userId }) => userId)).toEqual([18]);
});

test.each([["acme\n"], ["\n"], [""]])("erases nothing after the answer %j", async (answer) => {
  const { replica, run } = await setUp();
  await expect(run("erase --customer demo", { answer })).rejects.toThrow(new DataCommandError("Nothing was erased"));
  expect(replica.size()).toBe(2);
});

test("erases nothing without a confirmation if there is no terminal", async () => {
  const { replica, run } = await setUp();
  await expect(run("erase --customer demo")).rejects.toThrow(CommandLineError);
  expect(replica.size()).toBe(2);
});

test("erases a customer that is in no settings, also again", async () => {
  const { store, run } = await setUp();
  await store.forCustomer("gone").set(5, { status: "available" });
  await expect(run("erase --customer gone --yes")).resolves.toEqual([
    "Erased 1 user of customer gone: 5, and all other data of the customer",
  ]);
  await expect(run("erase --customer gone --yes")).resolves.toEqual([
    "Erased 0 users of customer gone, and all other data of the customer",
  ]);
});

test("erases a known user again", async () => {
  const { run } = await setUp();
  await run("erase --customer demo --user 17 --yes");
  await expect(run("erase --customer demo --user 17 --yes")).resolves.toContain("Not stored: 17");
});

test.each([["erase --customer nope --user 17 --yes"], ["erase --customer nope"], ["export --customer nope"]])(
  "rejects %s each time, since neither the settings nor the store have the customer",
  async (command) => {
    const { run } = await setUp();
    const error = new DataCommandError(
      "Customer nope is unknown: it is none of the customers in the settings (1), and Redis has nothing of it. Nothing was done",
    );
    await expect(run(command)).rejects.toThrow(error);
    await expect(run(command)).rejects.toThrow(error);
  },
);

test("restores what it has exported, wrap-up times included", async () => {
  const { demo, replica, run } = await setUp();
  const [running, before] = [replica.read(17), replica.read(18)];
  const exported = await run("export --all");
  expect(exported.at(-1)).toBe("Exported 2 agents");
  const file = exported.slice(0, -1).join("\n");
  await demo.erase();
  await expect(run("restore --all --dry-run", { file })).resolves.toEqual([
    "Would restore agents of customer demo: 2; unchanged: 0",
  ]);
  expect(replica.size()).toBe(0);
  await expect(run("restore --customer demo", { file })).resolves.toEqual([
    "Restored agents of customer demo: 2; unchanged: 0",
  ]);
  expect(replica.read(18)).toMatchObject({ status: "offline" });
  expect(replica.read(18)?.version).toBeGreaterThan(before?.version ?? Infinity);
  const { configuredSeconds, endsAtMs = 0 } = replica.read(17)?.wrapUp ?? {};
  expect(configuredSeconds).toBe(30);
  expect(Math.abs(endsAtMs - (running?.wrapUp?.endsAtMs ?? Infinity))).toBeLessThanOrEqual(1_000);
  await expect(run("restore --all", { file })).resolves.toEqual(["Restored agents of customer demo: 0; unchanged: 2"]);
});

function fileOf(...customers: readonly string[]): string {
  const agents = customers.map((customer, index) => {
    return { customer, userId: index + 1, status: "available", version: 1, updatedAt: TIME };
  });
  const header = { format: "availability-gateway-export", version: 1, exportedAt: TIME };
  return [header, ...agents, { agents: agents.length }].map((line) => JSON.stringify(line)).join("\n");
}

test("leaves out the agents of other customers, and keeps agents that are not in the file", async () => {
  const { replica, run } = await setUp();
  await expect(run("restore --customer demo", { file: fileOf("demo", "acme") })).resolves.toEqual([
    "Left out agents of other customers: 1",
    "Restored agents of customer demo: 1; unchanged: 0",
  ]);
  expect([...replica.agents()].map(({ userId }) => userId)).toEqual([17, 18, 1]);
});

test.each([
  ["a customer that is not in the settings", "restore --all", fileOf("demo", "acme"), DataCommandError],
  ["no agent of the customer", "restore --customer demo", fileOf("acme"), DataCommandError],
  ["no export", "restore --all", "user,status\n1,available\n", ExportFileError],
])("restores nothing of a file with %s", async (_, command, file, error) => {
  const { replica, run } = await setUp();
  await expect(run(command, { file })).rejects.toThrow(error);
  expect(replica.size()).toBe(2);
});

test("needs the Redis of the running gateways", async () => {
  const running = runDataCommand(
    { kind: "export", customer: undefined },
    {
      environment: {},
      input: Readable.from([]),
      output: new PassThrough(),
      operator: OPERATOR,
      print: () => {},
      openStore: () => expect.fail("A store was opened"),
    },
  );
  await expect(running).rejects.toThrow("REDIS_URL: expected the Redis of the running gateways, came nothing");
});

test("does nothing if the store does not become ready", async () => {
  const store = createMemoryStore();
  const whenReady = (signal: AbortSignal) =>
    new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  const running = runDataCommand(
    { kind: "erase", customer: "demo", userIds: undefined, isConfirmed: true },
    {
      environment: { REDIS_URL: "redis://redis.example.com" },
      input: Readable.from([]),
      output: new PassThrough(),
      operator: OPERATOR,
      print: () => {},
      openStore: () => ({ ...store, whenReady }),
      readyMs: 1,
    },
  );
  await expect(running).rejects.toThrow(
    new DataCommandError("Redis did not accept writes within 0.001 s. Nothing was done"),
  );
});

describe("writes a line of the audit", () => {
  const added = { level: "info", time: expect.any(String), customer: "demo", ...OPERATOR, msg: "audit" };

  test("about each user to erase, stored or not", async () => {
    const { run, audits } = await setUp();
    await run("erase --customer demo --user 17 --user 99 --yes");
    expect(audits).toEqual([
      { ...added, command: "erase", userId: 17, status: 200 },
      { ...added, command: "erase", userId: 99, status: 404 },
    ]);
  });

  test("about a whole customer, with the number of its users", async () => {
    const { run, audits } = await setUp();
    await run("erase --customer demo --yes");
    expect(audits).toEqual([{ ...added, command: "erase", users: 2, status: 200 }]);
  });

  test("about each agent that is restored, with the status before and after", async () => {
    const { run, audits, replica } = await setUp();
    const file = fileOf("demo").replace('"userId":1,', '"userId":18,').replace('{"agents":1}', "");
    const agent = JSON.stringify({ customer: "demo", userId: 9, status: "other", version: 1, updatedAt: TIME });
    await run("restore --all", { file: `${file}${agent}\n{"agents":2}` });
    const restored = { ...added, command: "restore" };
    const [known, fresh] = [replica.read(18)?.version, replica.read(9)?.version];
    expect(audits).toEqual([
      {
        ...restored,
        userId: 18,
        status: 200,
        from: "offline",
        requested: "available",
        to: "available",
        version: known,
      },
      { ...restored, userId: 9, status: 201, requested: "other", to: "other", version: fresh },
    ]);
  });

  test.each([
    ["erase --customer demo --user 17 --user 18 --yes", [17, 18]],
    ["erase --customer demo --yes", [undefined]],
    ["restore --all", [1, 2]],
  ])("about each change of %s that the store may not have made", async (command, userIds) => {
    const fail = () => Promise.reject(new StoreUnavailableError("Redis cannot be reached"));
    const { run, audits } = await setUp((store) => ({
      ...store,
      forCustomer: (id) => ({ ...store.forCustomer(id), erase: fail, set: fail }),
    }));
    await expect(run(command, { file: fileOf("demo", "demo") })).rejects.toThrow(DataCommandError);
    expect(audits).toMatchObject(userIds.map((userId) => ({ ...added, status: 503, ...(userId && { userId }) })));
    expect(audits).toHaveLength(userIds.length);
  });

  test("about nothing that was not tried, and with LOG_LEVEL=silent about nothing", async () => {
    const { run, audits } = await setUp();
    await expect(run("erase --customer demo", { answer: "no\n" })).rejects.toThrow(DataCommandError);
    await run("restore --all --dry-run", { file: fileOf("demo") });
    await run("export --all");
    await run("erase --customer demo --yes", { environment: { LOG_LEVEL: "silent" } });
    expect(audits).toEqual([]);
  });
});
