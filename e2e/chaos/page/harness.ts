/** The page of the chaos: two connectors, everything that a page may do to their frames, and the accounts of it all. */
// First, so that nothing is set that is not counted.

import { type Connector, connect, isBusError } from "../../../host/index.ts";
import { book, bookLoss, type Entry, ledger, openAccount, outcomeOf, outcomeOfError, toEvent } from "./ledger.ts";
import { type Ask, HANDSHAKE_TIMEOUT_MS, type Leftovers, type RequestReport, type Slot } from "./report.ts";
import { countSet, setOwnTimeout } from "./traps.ts";

/** What a listener may do that its neighbours should not notice. */
export type Rudeness = "throws" | "asks" | "destroys";

declare global {
  interface Window {
    readonly chaos: typeof chaos;
  }
}

const connectors = new Map<Slot, Connector>();
const problems: string[] = [];
const container = find("#left");
let count = 0;
let isHidden = false;

Object.defineProperty(document, "hidden", { get: () => isHidden });

const chaos = {
  connect(slot: Slot, src: string): void {
    const connector = connect({
      src,
      title: slot,
      ...(slot === "left" && { container }),
      handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
      retryDelayMs: 100,
      heartbeatMs: 250,
    });
    connectors.set(slot, connector);
    connector.on("*", (settlement, request) => request && book("heard", request, settlement));
    connector.observe((record) => {
      if (record.kind === "settled") book("observed", record.event, record.settlement);
      else if (record.kind === "state" && record.state === "reconnecting") bookLoss(connector);
    });
  },

  destroy(slot: Slot): void {
    connectorOf(slot).destroy();
    mustHaveSettled("destroy()", entriesInFlight(slot));
  },

  ask(slot: Slot, asks: readonly Ask[]): void {
    for (const ask of asks) void askOne(slot, ask);
  },

  async waitForWidget(slot: Slot): Promise<void> {
    const connector = connectorOf(slot);
    for (let waits = 0; waits < 50 && connector.state !== "ready"; waits += 1) await ownDelay(20);
  },

  /** Asks and resolves with the outcome. */
  probe: (slot: Slot, lifeMs: number): Promise<string> => askOne(slot, { kind: "known", isNamed: false, lifeMs }),

  listenRudely(slot: Slot, rudeness: Rudeness): void {
    const off = connectorOf(slot).on("*", () => {
      if (rudeness === "throws") throw new Error("A listener of the chaos throws");
      off();
      if (rudeness === "destroys") chaos.destroy(slot);
      else void askOne(slot, { kind: "known", isNamed: true, lifeMs: 500 });
    });
  },

  /** This and what follows returns whether there was something to do it to. */
  setSrc(slot: Slot, src: string): boolean {
    const frame = frameOf(slot);
    if (frame) frame.src = src;
    return frame !== null;
  },

  move(what: "frame" | "container", slot: Slot): boolean {
    const moved = what === "container" ? container : frameOf(slot);
    const elsewhere = find("#elsewhere");
    const home = slot === "right" ? document.body : what === "container" ? find("#place") : container;
    if (moved) (moved.parentElement === elsewhere ? home : elsewhere).append(moved);
    return moved !== null;
  },

  removeFrame: (slot: Slot): Promise<boolean> => remove(frameOf(slot), slot),
  removeContainer: (): Promise<boolean> => remove(container, "left"),
  putContainerBack: (): void => find("#place").append(container),

  setHidden(hidden: boolean): void {
    isHidden = hidden;
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  },

  /** How many requests with a life of at most this are in flight. */
  inFlight: (lifeMs: number): number =>
    chaos.requests().filter(({ settledAt, ask }) => settledAt === undefined && ask.lifeMs <= lifeMs).length,
  framesOf: (slot: Slot): number => document.querySelectorAll(`iframe[title="${slot}"]`).length,
  requests: (): RequestReport[] => Array.from(ledger.values(), ({ report }) => report),
  problems: (): string[] => problems,
  leftovers: (): Leftovers => ({ ...countSet(), frames: document.querySelectorAll("iframe").length }),
};

/** Takes an element out. Where a frame goes with it, all that its connector has in flight settles at once. */
async function remove(element: Element | null, slot: Slot): Promise<boolean> {
  const frame = frameOf(slot);
  const inFlight = entriesInFlight(slot);
  element?.remove();
  await ownDelay(0);
  if (frame && !frame.isConnected) mustHaveSettled("the removal of its frame", inFlight);
  return element !== null;
}

async function askOne(slot: Slot, ask: Ask): Promise<string> {
  count += 1;
  const connector = connectorOf(slot);
  const { key, event } = toEvent(ask, count);
  const { report } = openAccount(key, slot, ask, connector);
  const reason = new Error("The chaos aborts");
  const options = { timeoutMs: ask.lifeMs, ...withAbort(ask, report, reason) };
  const outcome = ask.isNamed
    ? outcomeOf(await connector.dispatch(event, options))
    : await connector.request(event.type as never, event.payload as never, options).then(
        () => "FULFILLED",
        (error) => (error === reason ? "ABORTED" : isBusError(error) ? outcomeOfError(error) : `threw ${error}`),
      );
  report.resolved = [...report.resolved, outcome];
  return outcome;
}

function withAbort({ abortAfterMs }: Ask, report: RequestReport, reason: Error): { signal?: AbortSignal } {
  if (abortAfterMs === undefined) return {};
  if (abortAfterMs === 0) return { signal: AbortSignal.abort(reason) };
  const controller = new AbortController();
  setOwnTimeout(() => {
    controller.abort(reason);
    if (report.settledAt === undefined) problems.push(`${report.key} was not settled by its caller's abort`);
  }, abortAfterMs);
  return { signal: controller.signal };
}

function ownDelay(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setOwnTimeout(resolve, milliseconds));
}

function entriesInFlight(slot: Slot): Entry[] {
  return Array.from(ledger.values()).filter(({ report }) => report.slot === slot && report.settledAt === undefined);
}

function mustHaveSettled(what: string, entries: readonly Entry[]): void {
  for (const { report } of entries) {
    if (report.settledAt === undefined) problems.push(`${report.key} was not settled by ${what}`);
  }
}

function connectorOf(slot: Slot): Connector {
  const connector = connectors.get(slot);
  if (!connector) throw new Error(`${slot} has no connector`);
  return connector;
}

function frameOf(slot: Slot): HTMLIFrameElement | null {
  return document.querySelector<HTMLIFrameElement>(`iframe[title="${slot}"]`);
}

function find(selector: string): Element {
  const element = document.querySelector(selector);
  if (!element) throw new Error(`The page has no ${selector}`);
  return element;
}

Object.assign(window, { chaos });
