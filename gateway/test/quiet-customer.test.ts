/** A customer whose last change has left the stream of Redis, at gateways that load the customer at different times. */
import { describe, expect, onTestFinished, test } from "vitest";
import type { AvailabilityStore } from "../store/availability-store.ts";
import { singleRedis } from "../store/redis/redis-server-options.ts";
import { createRedisStore } from "../store/redis-store.ts";
import { hasRedisServer, startRedisServer } from "./redis-server.ts";
import { availabilityServiceOver, testGateway } from "./test-gateway.ts";

const never = new AbortController().signal;
const HISTORY_LENGTH = 10;

async function setUp() {
  // Short nodes, because Redis trims whole nodes.
  const server = await startRedisServer(["--stream-node-max-entries", "5"]);
  onTestFinished(server.remove);

  /** Opens the store of a gateway that keeps few changes. */
  function openStore(): AvailabilityStore {
    const log = { line: () => {}, warning: () => {} };
    const store = createRedisStore({
      server: singleRedis(server.url),
      log,
      historyLength: HISTORY_LENGTH,
      timeoutMs: 10_000,
    });
    onTestFinished(store.close);
    return store;
  }

  /** Opens a gateway that has loaded the quiet customer. */
  async function openGateway() {
    const store = openStore().forCustomer("quiet");
    const replica = await store.open(never);
    const gateway = await testGateway({ availabilities: availabilityServiceOver(store) });
    const readList = (etag?: string | null) =>
      gateway.request("/v1/availabilities", { headers: etag == null ? {} : { "If-None-Match": etag } });
    return { replica, readList };
  }

  const writer = openStore();
  await writer.whenReady(never);
  return {
    server,
    writer,
    openGateway,
    /** Makes enough changes of another customer for Redis to drop all earlier ones. */
    async fillHistory() {
      for (let count = 0; count < 4 * HISTORY_LENGTH; count += 1)
        await writer.forCustomer("busy").set(1, { status: count % 2 ? "offline" : "available" });
    },
  };
}

/** Opens three gateways, with a full history of other changes before the second and the third. */
async function openThree({ openGateway, fillHistory }: Awaited<ReturnType<typeof setUp>>) {
  const one = await openGateway();
  await fillHistory();
  const two = await openGateway();
  await fillHistory();
  return [one, two, await openGateway()] as const;
}

describe.skipIf(!hasRedisServer)("a quiet customer", () => {
  test.each(["with an agent", "without any change"])("%s has one entity tag and 304 at three gateways", async (how) => {
    const setup = await setUp();
    if (how === "with an agent") await setup.writer.forCustomer("quiet").set(1, { status: "available" });
    const gateways = await openThree(setup);
    const tags = await Promise.all(gateways.map(async ({ readList }) => (await readList()).headers.get("ETag")));
    expect(new Set(tags).size).toBe(1);
    for (const { readList } of gateways) {
      for (const tag of tags) expect((await readList(tag)).status).toBe(304);
    }
  });

  test.each(["with an agent", "without any change"])(
    "%s lets a subscriber resume at every gateway from every cursor",
    async (how) => {
      const setup = await setUp();
      if (how === "with an agent") await setup.writer.forCustomer("quiet").set(1, { status: "available" });
      const gateways = await openThree(setup);
      const lists = await Promise.all(gateways.map(async ({ readList }) => (await readList()).json()));
      const cursors = [
        ...lists.map(({ cursor }) => String(cursor)),
        ...gateways.map(({ replica }) => replica.cursor()),
      ];
      for (const { replica } of gateways) {
        for (const cursor of cursors) expect(replica.changesSince(cursor)).toEqual([]);
      }
    },
  );

  test("has another entity tag after its next change, and no cursor before the change resumes once it is dropped", async () => {
    const setup = await setUp();
    const gateways = await openThree(setup);
    const [before = ""] = gateways.map(({ replica }) => replica.lastChangeCursor());
    await setup.writer.forCustomer("quiet").set(1, { status: "available" });
    await setup.fillHistory();
    const late = await setup.openGateway();
    const tags = await Promise.all(
      [...gateways, late].map(async ({ readList }) => {
        await expect.poll(async () => Object.keys((await (await readList()).json()).availabilities)).toEqual(["1"]);
        return (await readList()).headers.get("ETag");
      }),
    );
    expect(new Set(tags).size).toBe(1);
    expect(tags[0]).not.toContain(before);
    for (const { replica } of [...gateways, late]) {
      await expect.poll(() => replica.changesSince(before)).toBeUndefined();
    }
  });

  test("starts anew in the epoch after Redis has lost its data, with one entity tag", async () => {
    const setup = await setUp();
    await setup.writer.forCustomer("quiet").set(1, { status: "available" });
    const [one, two, three] = await openThree(setup);
    const before = one.replica.lastChangeCursor();
    await setup.server.command(["FLUSHALL"]);
    const replicas = [one, two, three].map(({ replica }) => replica);
    for (const replica of replicas)
      await expect.poll(() => replica.changesSince(before), { timeout: 20_000 }).toBeUndefined();
    await setup.fillHistory();
    const late = await setup.openGateway();
    const cursors = () => new Set([...replicas, late.replica].map((replica) => replica.lastChangeCursor()));
    await expect.poll(() => cursors().size, { timeout: 20_000 }).toBe(1);
  });
});
