import { expect, test } from "vitest";
import type { Change, Fault, Observations, Observer, Sight } from "./observations.ts";
import { RIGHT_AFTER_MS, SLACK_MS, STALE_AFTER_MS } from "./scaled-time.ts";
import { describeObservations, findWatchBreaches } from "./watch-guarantee.ts";

/** Limits for the display of a change, and for a right display after a fault. */
const [OUTDATED_MS, WRONG_MS] = [STALE_AFTER_MS + SLACK_MS, RIGHT_AFTER_MS + SLACK_MS];

/** Start of the observer. The agent has had version 1 since the time 0. */
const START = 1_000;

/** Time at which the agent's version 2 comes, long after the observer's start. */
const CHANGED = 100_000;

/** Time of the last look, after all limits. */
const END = 1_000_000;

const CHANGES: readonly Change[] = [
  { at: 0, userId: 1, version: 1, word: "available" },
  { at: CHANGED, userId: 1, version: 2, word: "in_call" },
];

const live = (at: number, version: number): Sight => ({
  at,
  shown: "live",
  version,
  isStale: false,
  isCallable: false,
});
const stale = (at: number, version: number): Sight => ({
  at,
  shown: "stale",
  version,
  isStale: true,
  isCallable: false,
});
const badge = (at: number, shown: string, changes: Partial<Sight> = {}): Sight => ({
  at,
  shown,
  isStale: false,
  isCallable: shown === "available",
  ...changes,
});

/** A listener with these sights, or a badge if the sights have no version. */
function observer(...sights: Sight[]): Observer {
  const kind = sights.some(({ version }) => version !== undefined) ? "listener" : "badge";
  return { name: "observer", kind, tab: "first", userId: 1, startedAt: START, endedAt: END + 1, sights };
}

const fault = (name: string, from: number, until: number, changes: Partial<Fault> = {}): Fault => ({
  name,
  from,
  until,
  ...changes,
});

function breachesOf(watching: Observer, changes: Partial<Observations> = {}): string[] {
  return findWatchBreaches({ observers: [watching], changes: CHANGES, faults: [], endedAt: END, ...changes });
}

test("accepts an observer that shows each change soon", () => {
  expect(breachesOf(observer(live(START, 1), live(CHANGED + 50, 2)))).toEqual([]);
  expect(breachesOf(observer(badge(START, "available"), badge(CHANGED + 50, "in_call")))).toEqual([]);
});

test.each([
  ["listener", observer(live(START, 1))],
  ["badge", observer(badge(START, "available"))],
])("finds a %s that drops a change", (_kind, dropping) => {
  expect(breachesOf(dropping)).toEqual([expect.stringContaining("as right 45 s after version 2")]);
});

test("finds an observer that shows the state before the last as right", () => {
  const changes = [...CHANGES, { at: CHANGED + 100, userId: 1, version: 3, word: "offline" }];
  expect(breachesOf(observer(live(START, 1), live(CHANGED + 50, 2)), { changes })).toEqual([
    expect.stringContaining("after version 3"),
  ]);
});

test("accepts a change that comes within 45 s without a fault, and not later", () => {
  expect(breachesOf(observer(live(START, 1), live(CHANGED + OUTDATED_MS - 1, 2)))).toEqual([]);
  expect(breachesOf(observer(live(START, 1), live(CHANGED + OUTDATED_MS + 100, 2)))).toHaveLength(1);
});

test("accepts an outdated observer that says that it is stale while a fault lasts, and no other", () => {
  const faults = [fault("gateway stopped", CHANGED - 1, END)];
  expect(breachesOf(observer(live(START, 1), stale(CHANGED + OUTDATED_MS - 1, 1)), { faults })).toEqual([]);
  expect(breachesOf(observer(live(START, 1)), { faults })).toHaveLength(1);
});

test("finds an observer that is not right 10 s after the end of a fault", () => {
  const faults = [fault("gateway stopped", 50_000, 60_000)];
  const late = observer(live(START, 1), stale(51_000, 1), live(60_000 + WRONG_MS + 100, 1), live(CHANGED, 2));
  expect(breachesOf(late, { faults })).toEqual([expect.stringContaining("was not right 10 s after gateway stopped")]);
  const inTime = observer(live(START, 1), stale(51_000, 1), live(60_000 + WRONG_MS - 100, 1), live(CHANGED, 2));
  expect(breachesOf(inTime, { faults })).toEqual([]);
});

test("gives a tab whose session has ended until the widget's next token request", () => {
  const ended: Sight = { at: 59_000, shown: "session-expired", isStale: true, isCallable: false };
  const faults = [fault("gateway rejects all tokens", 58_000, 60_000)];
  const back = (at: number) => observer(live(START, 1), ended, live(at, 1), live(CHANGED, 2));
  expect(breachesOf(back(61_000 + WRONG_MS - 100), { faults })).toEqual([]);
  expect(breachesOf(back(61_000 + WRONG_MS + 100), { faults })).toHaveLength(1);
  const stillStale = { ...ended, shown: "stale" };
  expect(
    breachesOf(observer(live(START, 1), stillStale, live(61_000 + WRONG_MS - 100, 1), live(CHANGED, 2)), { faults }),
  ).toHaveLength(1);
});

test("asks nobody to be right while another fault lasts, or begins", () => {
  const waiting = observer(live(START, 1), stale(51_000, 1), live(90_000, 1), live(CHANGED, 2));
  for (const from of [55_000, 60_000 + WRONG_MS - 100]) {
    const faults = [fault("gateway stopped", 50_000, 60_000), fault("offline", from, 89_000)];
    expect(breachesOf(waiting, { faults })).toEqual([]);
    const [first, second] = faults;
    if (first && second) expect(breachesOf(waiting, { faults: [first, { ...second, tab: "second" }] })).toHaveLength(1);
  }
});

test("finds an observer that is not right 10 s after its start, and one that is silent", () => {
  expect(breachesOf(observer(live(CHANGED, 2)))).toEqual([
    expect.stringContaining("was not right 10 s after its start"),
    expect.stringContaining("was silent for 45 s after its start"),
  ]);
  const faults = [fault("gateway stopped", 0, END)];
  expect(breachesOf(observer(badge(START, "loading")), { faults })).toEqual([expect.stringContaining("was silent")]);
});

test("finds a badge that is callable while stale", () => {
  const callable = observer(badge(START, "available"), badge(50_000, "available", { isStale: true, isCallable: true }));
  const faults = [fault("gateway stopped", 49_000, END)];
  expect(breachesOf(callable, { faults })).toEqual([expect.stringContaining("was callable while stale")]);
});

test("finds a badge that stays callable while the listener beside it is stale", () => {
  const listener = { ...observer(live(START, 1), stale(50_000, 1)), name: "listener" };
  const callable = { ...observer(badge(START, "available")), name: "badge" };
  const faults = [fault("gateway stopped", 49_000, 70_000)];
  const observations = { observers: [listener, callable], changes: CHANGES.slice(0, 1), faults, endedAt: 60_000 };
  expect(findWatchBreaches(observations)).toEqual([
    expect.stringContaining("badge was callable while listener was stale"),
  ]);
  const apart = [
    [{ ...listener, endedAt: 50_005 }, callable],
    [listener, { ...callable, endedAt: 49_000 }],
    [{ ...listener, tab: "second" as const }, callable],
  ];
  for (const observers of apart) {
    const breaches = findWatchBreaches({ ...observations, observers });
    expect(breaches.filter((breach) => breach.includes("callable"))).toEqual([]);
  }
});

test("finds a version that goes back", () => {
  expect(breachesOf(observer(live(START, 1), live(CHANGED, 2), live(CHANGED + 10, 1), live(CHANGED + 20, 2)))).toEqual([
    expect.stringContaining("went back to version 1"),
  ]);
});

test("finds a removal that is not shown, and an agent that is back and is shown as removed", () => {
  const removal: Change = { at: 200_000, userId: 1 };
  const seen = [live(START, 1), live(CHANGED, 2)];
  expect(breachesOf(observer(...seen), { changes: [...CHANGES, removal] })).toEqual([
    expect.stringContaining("45 s after the removal of 1"),
  ]);
  const removed: Sight = { at: 200_100, shown: "removed", isStale: false, isCallable: false };
  expect(breachesOf(observer(...seen, removed), { changes: [...CHANGES, removal] })).toEqual([]);
  const back: Change = { at: 300_000, userId: 1, version: 3, word: "offline" };
  expect(breachesOf(observer(...seen, removed), { changes: [...CHANGES, removal, back] })).toEqual([
    expect.stringContaining("showed removed as right 45 s after version 3"),
  ]);
});

test("asks nothing of a hidden tab, until it is shown", () => {
  const faults = [fault("hidden", 90_000, 300_000, { tab: "first", isUnseen: true })];
  expect(breachesOf(observer(live(START, 1), live(300_000 + WRONG_MS - 1, 2)), { faults })).toEqual([]);
  expect(breachesOf(observer(live(START, 1), live(300_000 + WRONG_MS + 100, 2)), { faults })).toEqual([
    expect.stringContaining("was not right 10 s after hidden"),
  ]);
});

test("asks nothing of an observer that has ended", () => {
  expect(breachesOf({ ...observer(live(START, 1)), endedAt: CHANGED + 10 })).toEqual([]);
});

test("lists in the order of time what happened and what each observer showed", () => {
  const faults = [fault("gateway stopped", 50_000, 60_000)];
  const observers = [observer(live(START, 1), stale(51_000, 1))];
  expect(describeObservations({ observers, changes: CHANGES.slice(0, 1), faults, endedAt: END })).toBe(
    [
      "  00:00.000 gateway: version 1 (available) at 00:00.000, user 1",
      "  00:01.000 observer: begins",
      "  00:01.000 observer: live, version 1",
      "  00:50.000 fault: gateway stopped",
      "  00:51.000 observer: stale, version 1, stale",
      "  01:00.000 end of the fault: gateway stopped",
    ].join("\n"),
  );
});
