/** Keeps the accounts of a page's requests: what was asked, and every settlement that anybody got to know of. */
import type { BusError, Envelope } from "../../../host/index.ts";
import { setOwnTimeout } from "./leak-counters.ts";
import { ALLOWANCE_MS, type Ask, GRACE_MS, type RequestReport, type Slot } from "./report.ts";

/** A request's account, as long as it is open. */
export interface Entry {
  readonly report: { -readonly [Key in keyof RequestReport]: RequestReport[Key] };
  readonly connector: { readonly state: string };
  readonly startedAt: number;
}

/** The agent for whom every named request asks, so that the widget makes one call of several requests. */
const EVERYBODYS_AGENT = 123;

const KNOWN = "API.FETCH_USER_AVAILABILITY";
const entries = new Map<string, Entry>();

/** Every account. */
export const ledger: ReadonlyMap<string, Entry> = entries;

/** The event of a request: its key is in it, whoever is shown it. */
export function toEvent({ kind, isNamed }: Ask, number: number): { key: string; event: Envelope } {
  const userId = isNamed ? EVERYBODYS_AGENT : 1_000 + number;
  const key = isNamed ? `named-${number}` : String(userId);
  const variables = { userId: kind === "invalid" ? String(userId) : userId };
  const payload = kind === "unsendable" ? { variables, unsendable() {} } : { variables };
  const type = kind === "unknown" ? "API.DO_SOMETHING_ELSE" : KNOWN;
  return { key, event: { type, payload, ...(isNamed && { meta: { id: key } }) } };
}

/** Opens a request's account. A watchdog tells whether it is settled in time, by order and not by the clock. */
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

/** Books what somebody got to know of the request behind an event. */
export function book(by: "heard" | "observed", event: Envelope, settlement: Envelope): void {
  const entry = entries.get(keyOf(event));
  if (!entry) return;
  const { report, connector, startedAt } = entry;
  report[by] = [...report[by], outcomeOf(settlement)];
  if (by === "heard") return;
  // A second settlement is one too many, and changes nothing of the first.
  if (report.settledAt !== undefined) return;
  report.settledAt = Date.now();
  report.durationMs = performance.now() - startedAt;
  report.wasReady = connector.state === "ready";
}

/** Books that a connector has lost its widget. */
export function bookLoss(connector: { readonly state: string }): void {
  for (const { report, connector: own } of entries.values()) {
    if (own === connector && report.settledAt === undefined) report.losses += 1;
  }
}

/** The outcome that a settlement tells of. */
export function outcomeOf({ type, payload, meta }: Envelope): string {
  if (type.endsWith("_FULFILLED")) return "FULFILLED";
  if (meta && "status" in meta) return `STATUS ${meta.status}`;
  return String((payload as { error: { code: unknown } }).error.code);
}

/** The outcome that an error of `request` tells of. */
export function outcomeOfError(error: BusError): string {
  return error.code ?? `STATUS ${error.status}`;
}

function keyOf({ payload, meta }: Envelope): string {
  if (meta?.id?.startsWith("named-")) return meta.id;
  return String((payload as { variables?: { userId?: unknown } } | undefined)?.variables?.userId);
}
