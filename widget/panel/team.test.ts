import { expect, test } from "vitest";
import { subtractElapsed } from "../gateway/elapsed-time.ts";
import { createTeam } from "./team.ts";

const wrappingUp = { userId: 1, status: "available", wrapUpTimeConfig: 30, wrapUpTimeTtl: 20, version: 2 } as const;

test("keeps the highest version of an agent, in whatever order they come", () => {
  const team = createTeam(subtractElapsed);
  team.merge({ userId: 1, status: "in_call", version: 2 });
  team.merge({ userId: 1, status: "available", version: 1 });
  expect(team.get(1)?.status).toBe("in_call");
  team.merge({ userId: 1, status: "offline", version: 3 });
  expect(team.all()).toEqual([{ userId: 1, status: "offline", version: 3 }]);
});

test("counts the wrap-up time down by the monotonic clock, to 0", () => {
  let now = 1_000;
  const team = createTeam(subtractElapsed, () => now);
  team.merge(wrappingUp);
  now += 4_200;
  expect(team.get(1)?.wrapUpTimeTtl).toBe(16);
  expect(team.all()).toEqual([{ ...wrappingUp, wrapUpTimeTtl: 16 }]);
  now += 60_000;
  expect(team.get(1)?.wrapUpTimeTtl).toBe(0);
});

test("forgets agents who are removed, and all of them", () => {
  const team = createTeam(subtractElapsed);
  team.merge(wrappingUp);
  team.merge({ ...wrappingUp, userId: 2 });
  team.remove(1);
  expect([team.get(1), team.all().length]).toEqual([undefined, 1]);
  team.clear();
  expect(team.all()).toEqual([]);
});
