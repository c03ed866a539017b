import { expect, test } from "vitest";
import { afterTask } from "./after-task.ts";

test("resolves with the value in a later task, after all microtasks of the call's own", async () => {
  const steps: string[] = [];
  const call = afterTask(async (name: string) => {
    steps.push(`called with ${name}`);
    return "the value";
  });
  const done = call("1").then((value) => steps.push(value));
  // Microtasks alone, which a task cannot interrupt.
  for (let turn = 0; turn < 100; turn += 1) await Promise.resolve();
  steps.push("the task is over");
  await done;
  expect(steps).toEqual(["called with 1", "the task is over", "the value"]);
});

test("rejects with the error of the call", async () => {
  const call = afterTask(() => Promise.reject(new Error("refused")));
  await expect(call()).rejects.toThrow("refused");
});
