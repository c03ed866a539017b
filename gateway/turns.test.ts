import { expect, test } from "vitest";
import { createTurns } from "./turns.ts";

/** Does work for customers in turns, and returns the order of the work, and of the turns of the event loop in between. */
async function workInTurns(customers: string): Promise<string> {
  const turns = createTurns();
  let done = "";
  let left = customers.length;
  const works = Array.from(customers, async (customer) => {
    await turns.take(customer);
    done += customer;
    left -= 1;
  });
  const count = (): void => {
    if (left === 0) return;
    done += "|";
    setImmediate(count);
  };
  setImmediate(count);
  await Promise.all(works);
  return done;
}

test("does one piece of work in a turn of the event loop", async () => {
  expect(await workInTurns("aaa")).toBe("a|a|a");
});

test("gives each customer a turn, however much work another has", async () => {
  expect(await workInTurns("aaaabcb")).toBe("a|b|c|a|b|a|a");
});

test("begins again after a pause", async () => {
  const turns = createTurns();
  await turns.take("a");
  await turns.take("b");
  await Promise.all([turns.take("a"), turns.take("b")]);
});
