/** A property of a feed that follows changing users, while streams break, fall silent and are polled. */
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { scaleRuns } from "../../../scripts/testing/property-runs.ts";
import { CURRENT, change, changed, createScriptedGateway, type StreamCall } from "./test-scripted-gateway.ts";

// A silent stream is replaced by polling, with a warning.
vi.spyOn(console, "warn").mockReturnValue();

const USERS = [1, 2, 3, 4] as const;

type World = Awaited<ReturnType<typeof createWorld>>;

/** A gateway with four users, and a reader that keeps what the feed reports. */
async function createWorld() {
  const scripted = await createScriptedGateway(undefined, new Set([1]));
  /** The user of each change, oldest first. A change's version and cursor are its place. */
  const log: number[] = [...USERS];
  /** The number of changes that each open stream has delivered. */
  const positions = new Map<StreamCall, number>();
  const opened = new Set<StreamCall>();
  const answered = new Set<unknown>();
  const held = new Map<number, number>();
  let followed: ReadonlySet<number> | undefined = new Set([1]);
  let readCount = 0;
  let hasSnapshot = false;

  const versionOf = (userId: number): number => log.lastIndexOf(userId) + 1;
  const cursorAt = (position: number): string => `a-${position}`;
  const isWanted = (users: readonly number[] | undefined, userId: number): boolean => users?.includes(userId) ?? true;

  /** Applies the reported events. Each snapshot that ends with `current` has every followed user. */
  function read(): void {
    for (const event of scripted.events.slice(readCount)) {
      if (event.type === "reset") held.clear();
      if (event.type === "reset") hasSnapshot = false;
      if (event.type === "availability") held.set(event.availability.userId, event.availability.version);
      if (event.type === "current") {
        expect([...(followed ?? USERS)].filter((userId) => !held.has(userId))).toEqual([]);
        hasSnapshot = true;
      }
    }
    readCount = scripted.events.length;
  }

  function snapshotText({ userIds }: StreamCall): string {
    const all = USERS.filter((userId) => isWanted(userIds, userId)).map((userId) => changed(userId, versionOf(userId)));
    const named = all.map((availability) => `event: availability\ndata: ${JSON.stringify(availability)}\n\n`);
    return `event: reset\nid\ndata: {}\n\n${named.join("")}`;
  }

  function changesText({ userIds }: StreamCall, from: number): string {
    const later = log.slice(from).map((userId, index) => [userId, from + index + 1] as const);
    const wanted = later.filter(([userId]) => isWanted(userIds, userId));
    return wanted.map(([userId, version]) => change(userId, version, cursorAt(version))).join("");
  }

  /** The newest stream delivers everything up to now, or a snapshot without its end. */
  async function deliver(part: "everything" | "part of a snapshot"): Promise<void> {
    const stream = scripted.stream();
    if (stream.isAborted()) return;
    const position = positions.get(stream) ?? (stream.cursor && Number(stream.cursor.slice(2)));
    opened.add(stream);
    await stream.open();
    if (part !== "everything") {
      if (position === undefined) await stream.write(snapshotText(stream).replace(/event: availability[^]*/, ""));
    } else if (position === undefined) {
      await stream.write(snapshotText(stream) + CURRENT.replace("a-1", cursorAt(log.length)));
      positions.set(stream, log.length);
    } else {
      await stream.write(`${changesText(stream, Number(position))}:\n\n`);
      positions.set(stream, log.length);
    }
    read();
  }

  async function answerPoll(): Promise<void> {
    const call = scripted.snapshotCalls.at(-1);
    if (!call || call.isAborted() || answered.has(call)) return;
    answered.add(call);
    const availabilities = USERS.filter((userId) => isWanted(call.userIds, userId));
    await call.respond({
      availabilities: availabilities.map((userId) => changed(userId, versionOf(userId))),
      ageMs: 0,
      cursor: cursorAt(log.length),
      etag: undefined,
    });
    read();
  }

  return {
    deliver,
    answerPoll,
    pass: scripted.pass,
    change: (userId: number) => void log.push(userId),
    follow(next: readonly number[] | undefined) {
      followed = next && new Set(next);
      scripted.feed.follow(followed);
    },
    async disconnect() {
      const stream = scripted.stream();
      if (stream.isAborted()) return;
      await (opened.has(stream) ? stream.disconnect() : stream.fail(new TypeError("network error")));
    },
    resume: () => scripted.feed.checkConnection(),
    openStreams: () => scripted.streams.filter((stream) => !stream.isAborted()).length,
    /** The followed users of which the reader has not the latest version. */
    outdated: () => [...(followed ?? USERS)].filter((userId) => held.get(userId) !== versionOf(userId)),
    hasSnapshot: () => hasSnapshot,
    close: () => scripted.feed.close(),
  };
}

type Step = readonly [name: string, step: (world: World) => unknown];

const someUsers = fc.subarray([...USERS], { minLength: 1 });

const steps: fc.Arbitrary<Step> = fc.oneof(
  someUsers.map((ids): Step => [`follow ${ids.join(", ")}`, (world) => world.follow(ids)]),
  fc.constant<Step>(["follow all", (world) => world.follow(undefined)]),
  fc.constantFrom(...USERS).map((id): Step => [`user ${id} changes`, (world) => world.change(id)]),
  fc.constant<Step>(["the stream delivers", (world) => world.deliver("everything")]),
  fc.constant<Step>(["a part of a snapshot arrives", (world) => world.deliver("part of a snapshot")]),
  fc.constant<Step>(["the stream breaks", (world) => world.disconnect()]),
  fc.constant<Step>(["a poll is answered", (world) => world.answerPoll()]),
  fc.constant<Step>(["the page resumes", (world) => world.resume()]),
  fc.constantFrom(20, 60, 9_000, 31_000).map((ms): Step => [`${ms} ms pass`, (world) => world.pass(ms)]),
);

test("a feed ends with the latest of every followed user, completes no snapshot that lacks one, and has one stream", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { maxLength: 25, size: "max" }), async (list) => {
      const world = await createWorld();
      for (const [, step] of list) {
        await step(world);
        expect(world.openStreams()).toBeLessThanOrEqual(1);
      }
      // All faults end: everything is delivered, and each delay passes.
      for (let turn = 0; turn < 4; turn += 1) {
        await world.deliver("everything");
        await world.answerPoll();
        await world.pass(9_000);
      }
      expect([world.outdated(), world.hasSnapshot()]).toEqual([[], true]);
      world.close();
      await world.pass(0);
    }),
    { numRuns: scaleRuns(150) },
  );
}, 60_000);
