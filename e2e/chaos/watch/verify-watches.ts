/** Ends a run with watches: undoes every fault, waits until each observer is right, makes a last change of each agent. */
import { setTimeout as delay } from "node:timers/promises";
import { type Observations, TABS } from "./observations.ts";
import { RIGHT_AFTER_MS, SLACK_MS, STALE_AFTER_MS } from "./scaled-time.ts";
import type { WatchContext } from "./watch-context.ts";
import { describeObservations, findWatchBreaches, isRight, sessionPauseMs } from "./watch-guarantee.ts";
import { USER_IDS, type WatchModel } from "./watch-model.ts";

/** Result of a run with watches. */
export interface WatchVerdict {
  readonly observations: Observations;
  /** Time between the end of the last fault and the moment at which all observers were right, in milliseconds of the machine. */
  readonly healedAfterMs: number;
  /** Violations of the guarantee, a sentence each, and then the displays of all observers. */
  readonly problems: readonly string[];
}

/** Repairs the environment and checks the run. */
export async function verifyWatches(context: WatchContext, model: WatchModel): Promise<WatchVerdict> {
  await putInOrder(context, model);
  const healedAt = Date.now();
  const { observers, faults } = await context.observe();
  const pauseMs = Math.max(...TABS.map((tab) => sessionPauseMs(tab, observers, healedAt)));
  const lastEnd = Math.max(healedAt + pauseMs, ...faults.map(({ until }) => until));
  await waitUntilRight(context, healedAt, lastEnd + RIGHT_AFTER_MS + SLACK_MS);
  const healedAfterMs = Date.now() - lastEnd;
  for (const userId of USER_IDS) {
    await context.site.setStatus(userId, model.statuses.get(userId) === "offline" ? "available" : "offline");
  }
  const changedAt = Date.now();
  await waitUntilRight(context, changedAt, changedAt + STALE_AFTER_MS + SLACK_MS);
  const observations = await context.observe();
  const breaches = [
    ...findWatchBreaches(observations),
    ...observations.observers
      .filter(
        (observer) =>
          isWatching(observer, changedAt) && !isRight(observer, observations.changes, changedAt, Date.now()),
      )
      .map(({ name }) => `${name} was not right in the end`),
    ...context.uncaught.map((message) => `uncaught: ${message}`),
  ];
  return {
    observations,
    healedAfterMs,
    problems: breaches.length === 0 ? [] : [...breaches, describeObservations(observations)],
  };
}

/** Waits until every observer is right, at most until the deadline. */
async function waitUntilRight(context: WatchContext, floor: number, deadline: number): Promise<void> {
  for (;;) {
    const { observers, changes } = await context.observe();
    const now = Date.now();
    const watching = observers.filter((observer) => isWatching(observer, now));
    if (now > deadline || watching.every((observer) => isRight(observer, changes, floor, now))) return;
    await delay(50);
  }
}

function isWatching({ endedAt }: Observations["observers"][number], at: number): boolean {
  return endedAt > at;
}

async function putInOrder(context: WatchContext, model: WatchModel): Promise<void> {
  for (const [part, mode] of model.modes) if (mode !== "works") await context.setPart(part, "works", mode);
  if (!model.isServing) await context.setServing(true);
  if (!model.isAccepting) await context.setAccepting(true);
  if (!model.isOnline) await context.setOnline(true);
  for (const tab of model.openTabs) {
    const tokenMode = model.tokenModes.get(tab) ?? "gives";
    if (tokenMode !== "gives") await context.setTokenMode(tab, "gives", tokenMode);
    if (model.tabsWithoutContainer.has(tab)) await context.setContainerIn(tab, true);
    if (model.hiddenTabs.has(tab)) await context.setVisible(tab, true);
  }
}
