/** Checks the guarantee on a page's report: one settlement for each request, in time, with a fitting code. */
import type { Condition, ConditionName } from "./conditions.ts";
import { GRACE_MS, HANDSHAKE_TIMEOUT_MS, type RequestReport } from "./page/report.ts";

/** Largest difference between the clocks of two processes on a machine. In milliseconds. */
const CLOCKS_MS = 5;

/** Returns the violations of the guarantee, a sentence each. */
export function findBreaches(requests: readonly RequestReport[], conditions: readonly Condition[]): string[] {
  return requests.flatMap((request) => {
    const found = [...breachesOfOne(request), ...breachOfFit(request, requests, conditions)];
    return found.map((breach) => `${describe(request)} ${breach}`);
  });
}

function describe({ key, slot, ask: { kind, lifeMs } }: RequestReport): string {
  return `${slot} ${key} (${kind}, ${lifeMs} ms)`;
}

function breachesOfOne({ observed, heard, resolved, isOverdue }: RequestReport): string[] {
  if (observed.length === 0) return ["was never settled"];
  const [outcome] = observed;
  const everybody = [observed, heard, resolved];
  const agree = everybody.every((outcomes) => outcomes.length === 1 && outcomes[0] === outcome);
  return [
    ...(agree ? [] : [`settled as ${everybody.map((outcomes) => outcomes.join("+") || "nothing").join(" / ")}`]),
    ...(isOverdue ? ["settled after its deadline and the allowance"] : []),
  ];
}

function breachOfFit(
  request: RequestReport,
  requests: readonly RequestReport[],
  conditions: readonly Condition[],
): string[] {
  const { observed, ask, durationMs, wasReady, losses } = request;
  const [outcome] = observed;
  const names = conditionsOf(request, requests, conditions);
  const holds = (...wanted: ConditionName[]): boolean => wanted.some((name) => names.has(name));
  const isKnown = ask.kind === "known";
  /** Condition under which an outcome fits. An unlisted outcome never fits. */
  const fits: Readonly<Record<string, () => boolean>> = {
    FULFILLED: () => isKnown,
    UNKNOWN_EVENT: () => ask.kind === "unknown",
    INVALID_REQUEST: () => ask.kind === "invalid" || ask.kind === "unsendable",
    ABORTED: () => ask.abortAfterMs !== undefined,
    CONNECTION_CLOSED: () =>
      holds("destroyed", "frame removed", "container out") || (ask.kind === "unknown" && losses > 0),
    WIDGET_UNAVAILABLE: () => !wasReady && durationMs >= Math.min(ask.lifeMs, HANDSHAKE_TIMEOUT_MS) - 1,
    TIMEOUT: () => durationMs >= ask.lifeMs + GRACE_MS - 1,
    BACKEND_TIMEOUT: () => isKnown && durationMs >= ask.lifeMs - CLOCKS_MS,
    BACKEND_UNREACHABLE: () => isKnown && holds("backend resets", "backend cuts", "offline", "server refuses"),
    INVALID_RESPONSE: () => isKnown && holds("backend redirects", "backend garbles"),
    "STATUS 503": () => isKnown && holds("backend is busy"),
    "STATUS 429": () => isKnown && holds("backend limits"),
  };
  if (outcome === undefined || fits[outcome]?.()) return [];
  const circumstances = [...names, wasReady ? "ready" : "not ready", `${losses} losses`].join(", ");
  return [`settled ${outcome} after ${durationMs.toFixed(0)} ms, which does not fit: ${circumstances}`];
}

/**
 * Collects the faults during a request, and during an earlier request whose backend call the request may have shared.
 */
function conditionsOf(
  request: RequestReport,
  requests: readonly RequestReport[],
  conditions: readonly Condition[],
): ReadonlySet<ConditionName> {
  const own = conditions.filter(({ slot, from, until }) => {
    const { askedAt, settledAt = Number.POSITIVE_INFINITY } = request;
    const isOurs = slot === undefined || slot === request.slot;
    return isOurs && from <= settledAt + CLOCKS_MS && until >= askedAt - CLOCKS_MS;
  });
  const shared = requests
    .filter((other) => mayHaveBegunTheCallOf(other, request))
    .flatMap((other) => [...conditionsOf(other, requests, conditions)].filter((name) => name.startsWith("backend")));
  return new Set([...own.map(({ name }) => name), ...shared]);
}

function mayHaveBegunTheCallOf(other: RequestReport, request: RequestReport): boolean {
  const shares = other.slot === request.slot && other.ask.isNamed && request.ask.isNamed;
  return shares && other.askedAt < request.askedAt && (other.settledAt ?? Number.POSITIVE_INFINITY) >= request.askedAt;
}
