import * as v from "valibot";
import { expect, test } from "vitest";
import { AVAILABILITY_STATUSES, Availability } from "../shared/contracts/availability.ts";
import { readAvailability } from "../shared/contracts/read-availability.ts";
import { SAMPLE_AGENTS, SAMPLE_DELAYS_MS } from "./sample-agents.ts";
import { sampleAvailabilityService } from "./test/test-gateway.ts";

const never = new AbortController().signal;

async function readSample(userId: number): Promise<Availability | undefined> {
  return (await (await sampleAvailabilityService()).read(userId, never)).value;
}

test("has an agent in every status from 101 on, in the contract's order", async () => {
  const ids = AVAILABILITY_STATUSES.map((_status, index) => 101 + index);
  const statuses = await Promise.all(ids.map(async (id) => v.parse(Availability, await readSample(id)).status));
  expect(statuses).toEqual(AVAILABILITY_STATUSES);
  expect(ids.at(-1)).toBe(110);
});

test("has 123, who is callable and has wrap-up time configured", async () => {
  const availability = v.parse(Availability, await readSample(123));
  expect(availability).toMatchObject({ status: "available", wrapUpTimeConfig: 30, wrapUpTimeTtl: 0 });
  expect(readAvailability(availability).callable).toBe(true);
});

test("has 124, whose wrap-up time runs", async () => {
  expect(readAvailability(v.parse(Availability, await readSample(124))).callable).toBe(false);
});

test("has 3000, whose read takes three seconds", () => {
  expect(SAMPLE_AGENTS.has(3000)).toBe(true);
  expect(SAMPLE_DELAYS_MS).toEqual(new Map([[3000, 3000]]));
});

test("has no 404404", async () => {
  await expect(readSample(404_404)).resolves.toBeUndefined();
});
