import { expect, test } from "vitest";
import type { ReplaceableUpstream } from "./replaceable-upstream.ts";
import { createUpstreamHandover } from "./upstream-handover.ts";

/** A customer's upstreams, whose starts and ends the test notes. */
function setUp() {
  const notes: string[] = [];
  const ends = new Map<string, () => void>();
  let present: ReplaceableUpstream | undefined;
  const upstreamOf = (name: string): ReplaceableUpstream => ({
    allowsNewUsers: false,
    start: () => void notes.push(`${name} starts`),
    stop: async () => ends.get(name)?.(),
    health: () => ({ staleSinceMs: undefined, failure: undefined }),
    retire: () =>
      new Promise((resolve) => {
        ends.set(name, () => {
          notes.push(`${name} ends`);
          resolve();
        });
      }),
  });
  const handover = createUpstreamHandover({
    findPresent: () => present,
    onDefect: (customerId, error) => void notes.push(`${customerId}: ${String(error)}`),
  });
  return {
    notes,
    handover,
    upstreamOf,
    setPresent: (upstream: ReplaceableUpstream | undefined) => {
      present = upstream;
    },
    end: (name: string) => ends.get(name)?.(),
  };
}

test("starts an upstream once its predecessors have ended, and none that has been replaced itself", async () => {
  const { notes, handover, upstreamOf, setPresent, end } = setUp();
  const [first, second, third] = ["first", "second", "third"].map(upstreamOf);
  if (!first || !second || !third) throw new Error("Three upstreams are needed");
  setPresent(first);
  handover.start("acme");
  setPresent(second);
  handover.replace("acme", first);
  setPresent(third);
  handover.replace("acme", second);
  end("second");
  end("first");
  await expect.poll(() => notes).toEqual(["first starts", "second ends", "first ends", "third starts"]);
});

test("starts the upstream of a customer that comes back once the former one has ended", async () => {
  const { notes, handover, upstreamOf, setPresent, end } = setUp();
  const [former, next] = [upstreamOf("former"), upstreamOf("next")];
  setPresent(undefined);
  handover.replace("acme", former);
  setPresent(next);
  handover.start("acme");
  expect(notes).toEqual([]);
  end("former");
  await expect.poll(() => notes).toEqual(["former ends", "next starts"]);
});

test("names the customer whose former upstream fails to stop, and starts the next", async () => {
  const { notes, handover, upstreamOf, setPresent } = setUp();
  setPresent(upstreamOf("next"));
  handover.replace("acme", { ...upstreamOf("former"), retire: () => Promise.reject(new Error("broken")) });
  await expect.poll(() => notes).toEqual(["acme: Error: broken", "next starts"]);
});

test("starts nothing after it has stopped", async () => {
  const { notes, handover, upstreamOf, setPresent } = setUp();
  const [former, next] = [upstreamOf("former"), upstreamOf("next")];
  setPresent(next);
  handover.replace("acme", former);
  await handover.stop();
  handover.start("acme");
  expect(notes).toEqual(["former ends"]);
});
