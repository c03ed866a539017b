/** Property test: a feed reaches the gateway's state after any order of faults of streams, polls and the machine. */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { scaleRuns } from "../../../scripts/testing/property-runs.ts";
import { BridgeRejectionError } from "../../../shared/protocol/rejection.ts";
import type { FeedEvent } from "../change-feed.ts";
import { change, changed, createScriptedGateway, HEARTBEAT, type StreamCall } from "./test-scripted-gateway.ts";

/** A subscriber like the live part: ignores older versions, and removes users missing from a snapshot. */
function createSubscriber() {
  const held = new Map<number, number>();
  const removed = new Map<number, number>();
  let unnamed: Set<number> | undefined;
  return {
    held,
    removed,
    apply(event: FeedEvent): void {
      switch (event.type) {
        case "availability": {
          const { userId, version } = event.availability;
          unnamed?.delete(userId);
          if (version > Math.max(held.get(userId) ?? 0, removed.get(userId) ?? 0)) held.set(userId, version);
          return;
        }
        case "removal":
          if ((held.get(event.userId) ?? 0) > event.version) return;
          held.delete(event.userId);
          removed.set(event.userId, event.version);
          return;
        case "reset":
          unnamed = new Set(held.keys());
          return;
        case "current":
          for (const userId of unnamed ?? []) held.delete(userId);
          unnamed = undefined;
          return;
        default:
          throw new Error("No token is refused here");
      }
    },
  };
}

/** The gateway's agents, and the log of changes in order. */
function createAgents() {
  const versions = new Map<number, number>();
  const log: { readonly userId: number; readonly isGone: boolean; readonly text: string }[] = [];
  let oldest = 0;
  const cursorAt = (position: number): string => `a-${position}`;
  return {
    versions,
    cursor: () => cursorAt(log.length),
    set(userId: number): string {
      const version = log.length + 1;
      const text = change(userId, version, cursorAt(version));
      versions.set(userId, version);
      log.push({ userId, isGone: false, text });
      return text;
    },
    remove(userId: number): string {
      const version = log.length + 1;
      const text = `event: removal\nid: ${cursorAt(version)}\ndata: ${JSON.stringify({ userId, version })}\n\n`;
      versions.delete(userId);
      log.push({ userId, isGone: true, text });
      return text;
    },
    /** Drops the log, so that a stream with an earlier cursor gets a snapshot. */
    dropLog(): void {
      oldest = log.length;
    },
    /** Versions of the present users at this cursor. */
    asOf(cursor: string): ReadonlyMap<number, number> {
      const then = new Map<number, number>();
      for (const [index, { userId, isGone }] of log.slice(0, Number(cursor.slice(2))).entries()) {
        if (isGone) then.delete(userId);
        else then.set(userId, index + 1);
      }
      return then;
    },
    /** The first events of a stream resumed at the cursor. */
    since(cursor: string | undefined): readonly string[] {
      if (cursor !== undefined && Number(cursor.slice(2)) >= oldest)
        return log.slice(Number(cursor.slice(2))).map(({ text }) => text);
      const all = [...versions].map(
        ([userId, version]) => `event: availability\ndata: ${JSON.stringify(changed(userId, version))}\n\n`,
      );
      return ["event: reset\nid\ndata: {}\n\n", ...all, `event: current\nid: ${cursorAt(log.length)}\ndata: {}\n\n`];
    },
  };
}

async function createWorld() {
  const gateway = await createScriptedGateway();
  const agents = createAgents();
  const listener = createSubscriber();
  let network: "up" | "holds streams back" | "down" = "up";
  /** Streams that receive changes. */
  let live: StreamCall[] = [];
  const served = { streams: 0, overviews: 0, told: 0 };

  /**
   * Responds to the feed's requests. If `isWhole` is false, a stream delivers half of the missing events and then
   * nothing.
   */
  async function serve(isWhole = true): Promise<void> {
    for (; served.streams < gateway.streams.length; served.streams += 1) {
      const stream = gateway.streams[served.streams];
      if (!stream || stream.isAborted()) continue;
      if (network === "down")
        await stream.fail(new BridgeRejectionError("BACKEND_UNREACHABLE", "The backend could not be reached"));
      else await stream.open();
      if (network !== "up") continue;
      const texts = agents.since(stream.cursor);
      for (const text of isWhole ? texts : texts.slice(0, texts.length / 2)) await stream.write(text);
      if (isWhole) live.push(stream);
    }
    for (; served.overviews < gateway.snapshotCalls.length; served.overviews += 1) {
      const asked = gateway.snapshotCalls[served.overviews];
      if (!asked || asked.isAborted()) continue;
      const etag = agents.cursor();
      const availabilities = [...agents.versions].map(([userId, version]) => changed(userId, version));
      if (network === "down")
        await asked.fail(new BridgeRejectionError("BACKEND_UNREACHABLE", "The backend could not be reached"));
      else await asked.respond(asked.etag === etag ? undefined : { availabilities, cursor: etag, etag, ageMs: 0 });
    }
    for (; served.told < gateway.events.length; served.told += 1) handleEvent(gateway.events[served.told]);
  }

  function handleEvent(event: FeedEvent | undefined): void {
    if (!event || event.type === "stale") return;
    listener.apply(event);
    if (event.type === "unauthorized" || event.cursor === undefined) return;
    // A feed that resumes at this cursor must not have missed an earlier event.
    for (const [userId, version] of agents.asOf(event.cursor)) {
      const isGone = !listener.held.has(userId) && listener.removed.has(userId);
      if (!isGone) expect(listener.held.get(userId)).toBeGreaterThanOrEqual(version);
    }
  }

  async function send(text: string): Promise<void> {
    live = live.filter((stream) => !stream.isAborted());
    if (network === "up") for (const stream of live) await stream.write(text);
  }

  return {
    gateway,
    agents,
    listener,
    serve,
    send,
    set(state: typeof network): void {
      network = state;
      // A buffered stream stays buffered after the network recovers.
      if (state !== "up") live = [];
    },
    async lose(): Promise<void> {
      for (const stream of live.splice(0)) if (!stream.isAborted()) await stream.disconnect();
    },
    async pass(milliseconds: number): Promise<void> {
      for (let leftMs = milliseconds; leftMs > 0; leftMs -= 15_000) {
        await gateway.pass(Math.min(leftMs, 15_000));
        await serve();
        await send(HEARTBEAT);
        await serve();
      }
    },
  };
}

type World = Awaited<ReturnType<typeof createWorld>>;
type Step = (world: World) => Promise<void> | void;

const userId = fc.integer({ min: 1, max: 4 });
const step: fc.Arbitrary<readonly [name: string, step: Step]> = fc.oneof(
  userId.map((id) => [`set ${id}`, ({ send, agents }: World) => send(agents.set(id))] as const),
  userId.map(
    (id) =>
      [
        `remove ${id}`,
        ({ send, agents }: World) => (agents.versions.has(id) ? send(agents.remove(id)) : undefined),
      ] as const,
  ),
  fc.constantFrom("up", "holds streams back", "down").map((state) => [state, ({ set }: World) => set(state)] as const),
  fc.constant(["lose", ({ lose }: World) => lose()] as const),
  fc.constantFrom(500, 31_000, 50_000, 310_000).map((ms) => [`pass ${ms}`, ({ pass }: World) => pass(ms)] as const),
  fc.constant(["wake", ({ gateway }: World) => gateway.feed.checkConnection()] as const),
  fc.constant(["sleep", () => void vi.setSystemTime(Date.now() + 3_600_000)] as const),
  fc.constant(["drop log", ({ agents }: World) => agents.dropLog()] as const),
  fc.constant([
    "a stream that comes in part",
    async ({ lose, gateway, serve }: World) => {
      await lose();
      await gateway.pass(30_000);
      await serve(false);
    },
  ] as const),
);

test("reaches the gateway's state, and never passes a cursor ahead of the reported events", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25, size: "max" }), async (steps) => {
      const world = await createWorld();
      await world.serve();
      for (const [, take] of steps) {
        await take(world);
        await world.serve();
      }
      world.set("up");
      await world.pass(400_000);
      expect(world.listener.held).toEqual(world.agents.versions);
      world.gateway.feed.close();
      vi.useRealTimers();
    }),
    { numRuns: scaleRuns(200) },
  );
});
