/**
 * Checks at the end of a run: every request settles, the next request without faults succeeds, and `destroy()` leaves
 * no objects behind.
 */
import { setTimeout as delay } from "node:timers/promises";
import type { Condition } from "./conditions.ts";
import { findBreaches } from "./guarantee.ts";
import type { Model } from "./model.ts";
import { ALLOWANCE_MS, GRACE_MS, type RequestReport, SLOTS } from "./page/report.ts";
import type { RunContext } from "./run-context.ts";

/** Timeout of the request that has to succeed without faults. */
const PROBE_LIFE_MS = 15_000;

/** Longest timeout of a request that has to settle during the faults. */
const SHORT_LIFE_MS = 1_000;

/** Time for the remaining requests after the repair and a successful request: the backend call's retries. */
const REST_MS = 10_000;

/** Result of a run. */
export interface Verdict {
  readonly requests: readonly RequestReport[];
  /** Violations of the guarantee, a sentence each. */
  readonly problems: readonly string[];
}

/** Repairs the environment and checks the run. */
export async function verifyRun(world: RunContext, model: Model): Promise<Verdict> {
  const { page, conditions, uncaught } = world;
  const problems: string[] = [];
  // Regardless of the faults. The watchdog reports late requests.
  await isSettled(world, SHORT_LIFE_MS, SHORT_LIFE_MS + GRACE_MS + 2 * ALLOWANCE_MS);
  await putInOrder(world, model);
  for (const slot of SLOTS) {
    if (model.connectors[slot] === "destroyed") continue;
    const outcome = await page.evaluate(([where, life]) => window.chaos.probe(where, life), [
      slot,
      PROBE_LIFE_MS,
    ] as const);
    if (outcome !== "FULFILLED") problems.push(`${slot}: the next request in a world in order came to ${outcome}`);
    const frames = await page.evaluate((where) => window.chaos.framesOf(where), slot);
    if (frames !== 1) problems.push(`${slot}: a connector that works has ${frames} frames`);
  }
  if (!(await isSettled(world, Number.POSITIVE_INFINITY, REST_MS))) {
    problems.push("a request with a long life is still in flight in a world in order");
  }
  for (const slot of SLOTS) if (model.connectors[slot] === "alive") await world.destroy(slot);
  const requests = await page.evaluate(() => window.chaos.requests());
  problems.push(...findBreaches(requests, conditions), ...(await page.evaluate(() => window.chaos.problems())));
  const leftovers = await page.evaluate(() => window.chaos.leftovers());
  const isClean = Object.values(leftovers).every((left) => left === 0 || (Array.isArray(left) && left.length === 0));
  if (!isClean) problems.push(`left behind after destroy(): ${JSON.stringify(leftovers)}`);
  problems.push(
    ...uncaught.filter((message) => !isOfNetwork(message, conditions)).map((message) => `uncaught: ${message}`),
  );
  return { requests, problems };
}

/** True for the error of a visible widget whose view cannot be loaded, which is correct without a network. */
function isOfNetwork(message: string, conditions: readonly Condition[]): boolean {
  const isViewMissing = message.startsWith("Failed to fetch dynamically imported module");
  return isViewMissing && conditions.some(({ name }) => name === "offline" || name === "server refuses");
}

async function putInOrder(world: RunContext, model: Model): Promise<void> {
  await world.whenHangsEnd();
  if (model.backend !== "answers") await world.setBackend("answers");
  if (!model.isServing) await world.setServing(true);
  if (!model.isOnline) await world.setOnline(true);
  if (!model.isContainerIn) await world.setContainerIn(true);
  if (!model.isVisible) await world.setVisible(true);
}

/**
 * Waits until every request with a timeout of at most `lifeMs` has settled. Returns false if the time limit passed
 * first.
 */
async function isSettled({ page }: RunContext, lifeMs: number, withinMs: number): Promise<boolean> {
  const inFlight = (): Promise<number> => page.evaluate((life) => window.chaos.inFlight(life), lifeMs);
  const until = Date.now() + withinMs;
  while ((await inFlight()) > 0) {
    if (Date.now() > until) return false;
    await delay(20);
  }
  return true;
}
