import { expect, test } from "vitest";
import { createSharedWork } from "./shared-work.ts";

/** Work that ends when the test says so. */
function createJob(name: string, started: string[]) {
  let end: (result: string) => void = () => {};
  let fail: (error: Error) => void = () => {};
  const start = () => {
    started.push(name);
    return new Promise<string>((resolve, reject) => {
      [end, fail] = [resolve, reject];
    });
  };
  return { start, end: () => end(name), fail: () => fail(new Error(name)) };
}

const turn = () => new Promise(setImmediate);

test("does one piece of work at a time, and shares the next one among all who come meanwhile", async () => {
  const share = createSharedWork<string>();
  const started: string[] = [];
  const [first, second, third, fourth] = ["first", "second", "third", "fourth"].map((name) => createJob(name, started));
  if (!first || !second || !third || !fourth) throw new Error("There are four jobs");
  const results = [share(first.start)];
  await turn();
  results.push(share(second.start), share(third.start));
  await turn();
  expect(started).toEqual(["first"]);
  first.end();
  await turn();
  // The second has begun, and may lack what this caller has seen.
  results.push(share(fourth.start));
  second.end();
  await turn();
  fourth.end();
  expect(await Promise.all(results)).toEqual(["first", "second", "second", "fourth"]);
  expect(started).toEqual(["first", "second", "fourth"]);
});

test("goes on after work that has failed", async () => {
  const share = createSharedWork<string>();
  const [broken, sound] = [createJob("broken", []), createJob("sound", [])];
  const failing = share(broken.start);
  await turn();
  const next = share(sound.start);
  broken.fail();
  await expect(failing).rejects.toThrow("broken");
  await turn();
  sound.end();
  await expect(next).resolves.toBe("sound");
});
