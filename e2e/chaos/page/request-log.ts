/** Records a page's requests and every observed settlement. */
import type { BusError, Envelope } from "../../../host/index.ts";
import { setOwnTimeout } from "./leak-counters.ts";
import { ALLOWANCE_MS, type Ask, GRACE_MS, type RequestReport, type Slot } from "./report.ts";

/** The record of a request. */
export interface Entry {
  readonly report: { -readonly [Key in keyof RequestReport]: RequestReport[Key] };
  readonly connector: { readonly state: string };
  readonly startedAt: number;
}

/** The agent of every named request, so that the widget shares a call between several requests. */
const EVERYBODYS_AGENT = 123;

const KNOWN = "API.FETCH_USER_AVAILABILITY";
const entries = new Map<string, Entry>();

/** All records. */
export const ledger: ReadonlyMap<string, Entry> = entries;

/** Builds the event of a request. The key is part of the event, so that every observer can find the record. */
export function toEvent({ kind, isNamed }: Ask, number: number): { key: string; event: Envelope } {
  const userId = isNamed ? EVERYBODYS_AGENT : 1_000 + number;
  const key = isNamed ? `named-${number}` : String(userId);
  const variables = { userId: kind === "invalid" ? String(userId) : userId };
  const payload = kind === "unsendable" ? { variables, unsendable() {} } : { variables };
  const type = kind === "unknown" ? "API.DO_SOMETHING_ELSE" : KNOWN;
  return { key, event: { type, payload, ...(isNamed && { meta: { id: key } }) } };
}

/**
 * Creates a request's record. A watchdog checks whether the request settles in time, by the order of timers and not by
 * the clock.
 */
export function openAccount(key: string, slot: Slot, ask: Ask, connector: { readonly state: string }): Entry {
  const report: RequestReport = {
    key,
    slot,
    ask,
    askedAt: Date.now(),
    settledAt: undefined,
    durationMs: Number.POSITIVE_INFINITY,
    resolved: [],
    heard: [],
    observed: [],
    isOverdue: false,
    wasReady: false,
    losses: 0,
  };
  const entry: Entry = { report, connector, startedAt: performance.now() };
  entries.set(key, entry);
  setOwnTimeout(
    () => {
      entry.report.isOverdue = report.settledAt === undefined;
    },
    ask.lifeMs + GRACE_MS + ALLOWANCE_MS,
  );
  return entry;
}

/** Records a settlement that a listener or an observer received. */
export function book(by: "heard" | "observed", event: Envelope, settlement: Envelope): void {
  const entry = entries.get(keyOf(event));
  if (!entry) return;
  const { report, connector, startedAt } = entry;
  report[by] = [...report[by], outcomeOf(settlement)];
  if (by === "heard") return;
  // A second settlement is an error and does not change the record of the first.
  if (report.settledAt !== undefined) return;
  report.settledAt = Date.now();
  report.durationMs = performance.now() - startedAt;
  report.wasReady = connector.state === "ready";
}

/** Records that a connector has lost its widget. */
export function bookLoss(connector: { readonly state: string }): void {
  for (const { report, connector: own } of entries.values()) {
    if (own === connector && report.settledAt === undefined) report.losses += 1;
  }
}

/** Returns the outcome in a settlement. */
export function outcomeOf({ type, payload, meta }: Envelope): string {
  if (type.endsWith("_FULFILLED")) return "FULFILLED";
  if (meta && "status" in meta) return `STATUS ${meta.status}`;
  return String((payload as { error: { code: unknown } }).error.code);
}

/** Returns the outcome in an error of `request`. */
export function outcomeOfError(error: BusError): string {
  return error.code ?? `STATUS ${error.status}`;
}

function keyOf({ payload, meta }: Envelope): string {
  if (meta?.id?.startsWith("named-")) return meta.id;
  return String((payload as { variables?: { userId?: unknown } } | undefined)?.variables?.userId);
}
