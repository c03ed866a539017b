import fc from "fast-check";
import { expect, test } from "vitest";
import { chaosCommands } from "./commands.ts";
import { createModel } from "./model.ts";
import type { RunContext } from "./run-context.ts";

/** A context in which every command succeeds without an effect. */
const nowhere = new Proxy({} as RunContext, { get: () => async () => {} });

/** Returns the commands of a seed. */
async function commandsOf(seed: number): Promise<string[]> {
  const model = createModel();
  const [commands] = fc.sample(chaosCommands(), { seed, numRuns: 1 });
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
      ["server refuses", "server accepts"],
      ["container removed", "container put back"],
      ["right: destroy()", "right: connect() anew"],
    ] as const) {
      // A listener may destroy the connector as well.
      const turns = happened.map((name) => name.replace("a listener that destroys", "destroy()"));
      const sides = turns.filter((name) => name === off || name === on);
      expect(sides).toEqual(sides.map((_, turn) => (turn % 2 === 0 ? off : on)));
    }
  }
});

test("every fault occurs", async () => {
  const happened = new Set<string>();
  for (let seed = 1; seed <= 300; seed += 1) {
    for (const name of await commandsOf(seed))
      happened.add(name.replace(/^(left|right): |( for)? \d+ ms$|(?<=ask) .*$/g, ""));
  }
  expect([...happened].sort()).toMatchInlineSnapshot(`
    [
      "a listener that asks",
      "a listener that destroys",
      "a listener that throws",
      "ask",
      "backend answers",
      "backend cuts",
      "backend garbles",
      "backend holds",
      "backend is busy",
      "backend limits",
      "backend redirects",
      "backend resets",
      "connect() anew",
      "container moved",
      "container put back",
      "container removed",
      "destroy()",
      "frame moved",
      "frame navigates itself away",
      "frame reloads itself",
      "frame removed",
      "frame src set anew",
      "frame src set to another page",
      "offline",
      "online",
      "page hidden",
      "page visible",
      "pause",
      "server accepts",
      "server refuses",
      "wait for the widget",
      "widget crashes",
      "widget hangs",
    ]
  `);
});
