/** Whatever becomes of the stream, of polls, of the machine and in whatever order, a feed leads to what the gateway has. */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { Refusal } from "../../../shared/protocol/rejection.ts";
import type { FeedEvent } from "../feed.ts";
import { type AskedStream, change, changed, HEARTBEAT, scriptGateway } from "./test-scripted-gateway.ts";

/** Who listens, as the live part does: it drops what is older, and after a snapshot those whom it did not name. */
function createListener() {
  const held = new Map<number, number>();
  const removed = new Map<number, number>();
  let unnamed: Set<number> | undefined;
  return {
    held,
    removed,
    take(event: FeedEvent): void {
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

/** What the gateway has, and what has become of it, in order. */
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
    /** Tells from now on nobody what has changed until now: whoever asks for it gets a snapshot. */
    forget(): void {
      oldest = log.length;
    },
    /** Who was there, at this cursor, in which version. */
    asOf(cursor: string): ReadonlyMap<number, number> {
      const then = new Map<number, number>();
      for (const [index, { userId, isGone }] of log.slice(0, Number(cursor.slice(2))).entries()) {
        if (isGone) then.delete(userId);
        else then.set(userId, index + 1);
      }
      return then;
    },
    /** What a stream begins with that resumes there. */
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
  const gateway = await scriptGateway();
  const agents = createAgents();
  const listener = createListener();
  let network: "up" | "holds streams back" | "down" = "up";
  /** Streams that get what changes. */
  let live: AskedStream[] = [];
  const served = { streams: 0, overviews: 0, told: 0 };

  /** Answers what the feed has asked for: a stream with half of what it lacks, after which nothing comes, where that is said. */
  async function serve(isWhole = true): Promise<void> {
    for (; served.streams < gateway.streams.length; served.streams += 1) {
      const stream = gateway.streams[served.streams];
      if (!stream || stream.isGivenUp()) continue;
      if (network === "down") await stream.fail(new Refusal("BACKEND_UNREACHABLE", "The backend could not be reached"));
      else await stream.open();
      if (network !== "up") continue;
      const texts = agents.since(stream.cursor);
      for (const text of isWhole ? texts : texts.slice(0, texts.length / 2)) await stream.write(text);
      if (isWhole) live.push(stream);
    }
    for (; served.overviews < gateway.overviews.length; served.overviews += 1) {
      const asked = gateway.overviews[served.overviews];
      if (!asked || asked.isGivenUp()) continue;
      const etag = agents.cursor();
      const availabilities = [...agents.versions].map(([userId, version]) => changed(userId, version));
      if (network === "down") await asked.fail(new Refusal("BACKEND_UNREACHABLE", "The backend could not be reached"));
      else await asked.answer(asked.etag === etag ? undefined : { availabilities, cursor: etag, etag, ageMs: 0 });
    }
    for (; served.told < gateway.told.length; served.told += 1) hear(gateway.told[served.told]);
  }

  function hear(event: FeedEvent | undefined): void {
    if (!event) return;
    listener.take(event);
    if (event.type === "refused" || event.cursor === undefined) return;
    // Whoever goes on from here must not have missed anything before.
    for (const [userId, version] of agents.asOf(event.cursor)) {
      const isGone = !listener.held.has(userId) && listener.removed.has(userId);
      if (!isGone) expect(listener.held.get(userId)).toBeGreaterThanOrEqual(version);
    }
  }

  async function tell(text: string): Promise<void> {
    live = live.filter((stream) => !stream.isGivenUp());
    if (network === "up") for (const stream of live) await stream.write(text);
  }

  return {
    gateway,
    agents,
    listener,
    serve,
    tell,
    set(state: typeof network): void {
      network = state;
      // What is held back once stays so, whatever becomes of the next.
      if (state !== "up") live = [];
    },
    async lose(): Promise<void> {
      for (const stream of live.splice(0)) if (!stream.isGivenUp()) await stream.lose();
    },
    async pass(milliseconds: number): Promise<void> {
      for (let leftMs = milliseconds; leftMs > 0; leftMs -= 15_000) {
        await gateway.pass(Math.min(leftMs, 15_000));
        await serve();
        await tell(HEARTBEAT);
        await serve();
      }
    },
  };
}

type World = Awaited<ReturnType<typeof createWorld>>;
type Step = (world: World) => Promise<void> | void;

const userId = fc.integer({ min: 1, max: 4 });
const step: fc.Arbitrary<readonly [name: string, step: Step]> = fc.oneof(
  userId.map((id) => [`set ${id}`, ({ tell, agents }: World) => tell(agents.set(id))] as const),
  userId.map(
    (id) =>
      [
        `remove ${id}`,
        ({ tell, agents }: World) => (agents.versions.has(id) ? tell(agents.remove(id)) : undefined),
      ] as const,
  ),
  fc.constantFrom("up", "holds streams back", "down").map((state) => [state, ({ set }: World) => set(state)] as const),
  fc.constant(["lose", ({ lose }: World) => lose()] as const),
  fc.constantFrom(500, 31_000, 50_000, 310_000).map((ms) => [`pass ${ms}`, ({ pass }: World) => pass(ms)] as const),
  fc.constant(["wake", ({ gateway }: World) => gateway.feed.wake()] as const),
  fc.constant(["sleep", () => void vi.setSystemTime(Date.now() + 3_600_000)] as const),
  fc.constant(["forget", ({ agents }: World) => agents.forget()] as const),
  fc.constant([
    "a stream that comes in part",
    async ({ lose, gateway, serve }: World) => {
      await lose();
      await gateway.pass(30_000);
      await serve(false);
    },
  ] as const),
);

test("leads to what the gateway has, and never further on than it has told", async () => {
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
    { numRuns: 200 },
  );
});
