import fc from "fast-check";
import { expect, test } from "vitest";
import { watchCommands } from "./watch-commands.ts";
import type { WatchContext } from "./watch-context.ts";
import { createWatchModel } from "./watch-model.ts";

/** A context in which every command succeeds without an effect. */
const nowhere: WatchContext = new Proxy({} as WatchContext, {
  get: (_target, key) => (key === "site" ? nowhere : async () => 1),
});

/** Returns the commands of a seed. */
async function commandsOf(seed: number): Promise<string[]> {
  const model = createWatchModel();
  const [commands] = fc.sample(watchCommands(), { seed, numRuns: 1 });
  if (commands) await fc.asyncModelRun(() => ({ model, real: nowhere }), commands);
  return model.happened;
}

test("a seed always gives the same commands", async () => {
  for (const seed of [1, 2, 3]) expect(await commandsOf(seed)).toEqual(await commandsOf(seed));
  expect(await commandsOf(1)).not.toEqual(await commandsOf(2));
});

test("a fault does not repeat before it is undone", async () => {
  for (let seed = 1; seed <= 50; seed += 1) {
    const happened = await commandsOf(seed);
    for (const [off, on] of [
      ["offline", "online"],
      ["gateway rejects all tokens", "gateway accepts tokens"],
      ["gateway stops", "gateway starts"],
      ["second tab closed", "second tab opened"],
      ["first: hidden", "first: visible"],
    ] as const) {
      const turns = happened.map((name) => name.replace(/ with(out)? its history$/, ""));
      const sides = turns.filter((name) => name === off || name === on);
      expect(sides).toEqual(sides.map((_, turn) => (turn % 2 === 0 ? off : on)));
    }
  }
});

test("every fault occurs", async () => {
  const happened = new Set<string>();
  for (let seed = 1; seed <= 300; seed += 1) {
    for (const name of await commandsOf(seed)) {
      happened.add(
        name.replace(/^(first|second): |( for)? \d+ ms$| \d+(?= (becomes|is|ends|moves))|(?<=becomes) .*$| \d+$/g, ""),
      );
    }
  }
  expect([...happened].sort()).toMatchInlineSnapshot(`
    [
      "added badge moves",
      "added observer ends",
      "another badge of user",
      "another listener of user",
      "container moved",
      "container put back",
      "container removed",
      "fetchToken fails",
      "fetchToken gives",
      "fetchToken hangs",
      "gateway accepts tokens",
      "gateway rejects all tokens",
      "gateway starts with its history",
      "gateway starts without its history",
      "gateway stops",
      "hidden",
      "iframe out and in again",
      "iframe out and in again in one task",
      "iframe removed",
      "live part is busy",
      "live part is gone",
      "live part is held back",
      "live part resets",
      "live part works",
      "offline",
      "online",
      "pause",
      "reads is busy",
      "reads is gone",
      "reads is held back",
      "reads resets",
      "reads works",
      "second tab closed",
      "second tab opened",
      "src set anew",
      "src set to another page",
      "stream is busy",
      "stream is gone",
      "stream is half-open",
      "stream is held back",
      "stream resets",
      "stream works",
      "streams cut",
      "the machine sleeps for an hour",
      "the wall clock goes back an hour",
      "the wall clock goes forward an hour",
      "tokens revoked",
      "user becomes",
      "user is removed",
      "visible",
      "widget crashes",
      "widget hangs",
      "widget navigates itself away",
      "widget reloads",
    ]
  `);
});
