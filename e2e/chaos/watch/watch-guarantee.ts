/**
 * Checks the guarantee for watched agents: within 45 s each observer shows a change or is stale, and within 10 s of a
 * fault's end the display is right. Stale observers are not callable, versions do not go back, and observers are not silent.
 */
import type { Change, Fault, Observations, Observer, Sight, Tab } from "./observations.ts";
import { RIGHT_AFTER_MS, SLACK_MS, STALE_AFTER_MS, scaled } from "./scaled-time.ts";

/** Largest difference between the clocks of two processes on a machine, in milliseconds. */
const CLOCKS_MS = 10;

/** Longest delay between two token requests of a widget after the end of the session, in milliseconds of the machine. */
const MAX_TOKEN_PAUSE_MS = scaled(60);

/** Longest task of a page on a busy machine, in milliseconds: badges and listeners receive a status in one task. */
const TASK_MS = 250;

/** Statuses of a listener and states of a badge for an unknown or removed agent. */
const GONE: readonly string[] = ["removed", "unknown-user", "unknown"];

/** Returns the violations of the guarantee, a sentence each. */
export function findWatchBreaches(observations: Observations): string[] {
  return observations.observers.flatMap((observer) =>
    [
      ...findCallableWhileStale(observer),
      ...findCallableBesideStale(observer, observations),
      ...findVersionsThatGoBack(observer),
      ...findOutdated(observer, observations),
      ...findWrongAfterFault(observer, observations),
      ...findSilence(observer, observations),
    ].map((breach) => `${observer.name} ${breach}`),
  );
}

/** True if an observer is right at a time: not stale, with a state of the agent since `floor`. */
export function isRight(observer: Observer, changes: readonly Change[], floor: number, at: number): boolean {
  const sight = sightAt(observer, at);
  return (
    sight !== undefined && !sight.isStale && showsOneOf(sight, observer, statesBetween(observer, changes, floor, at))
  );
}

function findCallableWhileStale({ sights }: Observer): string[] {
  return sights
    .filter(({ isStale, isCallable }) => isStale && isCallable)
    .map(({ at, shown }) => `was callable while stale, at ${toTime(at)}: ${shown}`);
}

/** Finds badges that are callable although a listener of the agent in the tab is stale. */
function findCallableBesideStale(badge: Observer, { observers }: Observations): string[] {
  if (badge.kind !== "badge") return [];
  const beside = observers.filter(
    ({ kind, tab, userId }) => kind === "listener" && tab === badge.tab && userId === badge.userId,
  );
  return beside.flatMap(({ name, sights, endedAt }) =>
    sights.flatMap((sight, position) => {
      const from = sight.at + TASK_MS;
      const until = Math.min(sights[position + 1]?.at ?? endedAt, endedAt, badge.endedAt) - TASK_MS;
      if (!sight.isStale || from > until) return [];
      const shown = badge.sights.filter(({ at }) => at <= until && at > from);
      const callable = [sightAt(badge, from), ...shown].find((seen) => seen?.isCallable);
      return callable ? [`was callable while ${name} was stale, at ${toTime(Math.max(from, callable.at))}`] : [];
    }),
  );
}

function findVersionsThatGoBack({ sights }: Observer): string[] {
  let highest = -1;
  return sights.flatMap(({ at, version = highest }) => {
    const isLower = version < highest;
    highest = Math.max(highest, version);
    return isLower ? [`went back to version ${version}, at ${toTime(at)}`] : [];
  });
}

/** Finds changes that an observer does not show after 45 s without being stale. */
function findOutdated(observer: Observer, { changes, faults, endedAt }: Observations): string[] {
  return changes
    .filter(({ userId }) => userId === observer.userId)
    .flatMap((change) => {
      const from = Math.max(change.at, observer.startedAt);
      const deadline = from + STALE_AFTER_MS + SLACK_MS;
      if (deadline > Math.min(endedAt, observer.endedAt) || isUnseen(observer, faults, from, deadline)) return [];
      const sight = sightAt(observer, deadline);
      if (!sight || !claims(sight) || isRight(observer, changes, change.at, deadline)) return [];
      return [`showed ${describe(sight)} as right 45 s after ${describeChange(change)}, at ${toTime(deadline)}`];
    });
}

/** Finds observers that are not right 10 s after the end of the last fault, or after the observer's start. */
function findWrongAfterFault(observer: Observer, { observers, changes, faults, endedAt }: Observations): string[] {
  const affecting = faults.filter(({ tab }) => tab === undefined || tab === observer.tab);
  const start: Fault = { name: "its start", from: observer.startedAt, until: observer.startedAt };
  return [start, ...affecting].flatMap((ended) => {
    const { until } = ended;
    const deadline = until + sessionPauseMs(observer.tab, observers, until) + RIGHT_AFTER_MS + SLACK_MS;
    const isOver = until >= observer.startedAt && deadline <= Math.min(endedAt, observer.endedAt);
    const isQuiet = !affecting.some((fault) => fault !== ended && fault.from <= deadline && fault.until > until);
    if (!isOver || !isQuiet || isRight(observer, changes, until, deadline)) return [];
    const sight = sightAt(observer, deadline);
    return [`was not right 10 s after ${ended.name}, at ${toTime(deadline)}: ${sight ? describe(sight) : "nothing"}`];
  });
}

/**
 * Returns the time until the widget of a tab asks the page for a token again, if the session of the tab has ended: the delays
 * double up to 60 s, so that the next request comes at most as long after a time as the end of the session came before.
 */
export function sessionPauseMs(tab: Tab, observers: readonly Observer[], at: number): number {
  const pauses = observers
    .filter((observer) => observer.tab === tab && observer.kind === "listener" && observer.endedAt > at)
    .map((observer) => sightAt(observer, at))
    .map((sight) => (sight?.shown === "session-expired" ? Math.min(MAX_TOKEN_PAUSE_MS, at - sight.at) : 0));
  return Math.max(0, ...pauses);
}

/** Finds observers without a status 45 s after the start. */
function findSilence(observer: Observer, { faults, endedAt }: Observations): string[] {
  const { startedAt } = observer;
  const deadline = startedAt + STALE_AFTER_MS + SLACK_MS;
  if (deadline > Math.min(endedAt, observer.endedAt) || isUnseen(observer, faults, startedAt, deadline)) return [];
  const sight = sightAt(observer, deadline);
  return sight && !isSilent(sight) ? [] : [`was silent for 45 s after its start, at ${toTime(deadline)}`];
}

/** True if the tab was hidden, or closed, at some time of the interval. */
function isUnseen({ tab }: Observer, faults: readonly Fault[], from: number, until: number): boolean {
  return faults.some((fault) => fault.isUnseen && fault.tab === tab && fault.from <= until && fault.until >= from);
}

/** Returns the last sight until a time. */
export function sightAt({ sights }: Observer, at: number): Sight | undefined {
  return sights.filter((sight) => sight.at <= at + CLOCKS_MS).at(-1);
}

/** Returns the agent's states in an interval, as changes: the last change before the interval, and all changes in it. */
function statesBetween({ userId }: Observer, changes: readonly Change[], from: number, until: number): Change[] {
  const isBeforeEnd = (change: Change): boolean => change.userId === userId && change.at <= until + CLOCKS_MS;
  // There is no agent before the first change.
  const own = [{ at: 0, userId }, ...changes.filter(isBeforeEnd)];
  const last = own.filter(({ at }) => at <= from).at(-1);
  return own.filter((change) => change === last || change.at > from);
}

function showsOneOf({ shown, version }: Sight, { kind }: Observer, states: readonly Change[]): boolean {
  return states.some((state) => {
    if (state.word === undefined) return GONE.includes(shown);
    return kind === "badge" ? shown === state.word : shown === "live" && version === state.version;
  });
}

function isSilent({ shown, isStale }: Sight): boolean {
  return !isStale && (shown === "" || shown === "loading");
}

/** True if an observer presents a display as the agent's present state. */
function claims(sight: Sight): boolean {
  const { shown, isStale } = sight;
  const isFault = ["error", "not-allowed", "not_allowed", "session-expired", "unknown"].includes(shown);
  return !isStale && !isFault && !isSilent(sight);
}

function describe({ shown, version, isStale, isCallable }: Sight): string {
  const flags = [isStale && "stale", isCallable && "callable"].filter(Boolean);
  return [shown || "nothing", ...(version === undefined ? [] : [`version ${version}`]), ...flags].join(", ");
}

function describeChange({ userId, version, word, at }: Change): string {
  return `${version === undefined ? `the removal of ${userId}` : `version ${version} (${word})`} at ${toTime(at)}`;
}

/** Formats a time as minutes, seconds and milliseconds. */
export function toTime(at: number): string {
  return new Date(at).toISOString().slice(14, 23);
}

/** Lists all changes, faults and displays in the order of time. */
export function describeObservations({ observers, changes, faults }: Observations): string {
  const lines = [
    ...changes.map((change) => [change.at, `gateway: ${describeChange(change)}, user ${change.userId}`] as const),
    ...faults.map(({ name, from }) => [from, `fault: ${name}`] as const),
    ...faults
      .filter(({ from, until }) => until !== from && Number.isFinite(until))
      .map(({ name, until }) => [until, `end of the fault: ${name}`] as const),
    ...observers.map(({ name, startedAt }) => [startedAt, `${name}: begins`] as const),
    ...observers.flatMap(({ name, sights }) =>
      sights.map((sight) => [sight.at, `${name}: ${describe(sight)}`] as const),
    ),
  ];
  return lines
    .sort(([one], [other]) => one - other)
    .map(([at, text]) => `  ${toTime(at)} ${text}`)
    .join("\n");
}
