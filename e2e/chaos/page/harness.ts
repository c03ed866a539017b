/** The page of the chaos: two connectors, the page's actions on their frames, and the request log. */
import { type Connector, connect } from "../../../host/index.ts";
import { container, move, putContainerBack, removeContainer, removeFrame, setSrc } from "./frame-actions.ts";
import { countSet, setOwnTimeout } from "./leak-counters.ts";
import { type Ask, HANDSHAKE_TIMEOUT_MS, type Leftovers, type RequestReport, type Slot } from "./report.ts";
import { book, bookLoss, ledger } from "./request-log.ts";
import { askOne, inFlightOf, mustHaveSettled, problems } from "./send-requests.ts";

/** Actions of a listener that other listeners must not notice. */
export type Rudeness = "throws" | "asks" | "destroys";

declare global {
  interface Window {
    readonly chaos: typeof chaos;
  }
}

const connectors = new Map<Slot, Connector>();
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
      heartbeatMs: 400,
    });
    connectors.set(slot, connector);
    connector.on("*", (settlement, request) => request && book("heard", request, settlement));
    connector.observe((record) => {
      if (record.kind === "settled") book("observed", record.event, record.settlement);
      else if (record.kind === "state" && record.state === "reconnecting") bookLoss(connector);
    });
  },

  destroy(slot: Slot): void {
    const inFlight = inFlightOf(slot);
    connectorOf(slot).destroy();
    mustHaveSettled("destroy()", inFlight);
  },

  ask(slot: Slot, asks: readonly Ask[]): void {
    for (const ask of asks) void askOne(connectorOf(slot), slot, ask);
  },

  /** Sends a request and resolves with the outcome. */
  probe: (slot: Slot, lifeMs: number): Promise<string> =>
    askOne(connectorOf(slot), slot, { kind: "known", isNamed: false, lifeMs }),

  listenRudely(slot: Slot, rudeness: Rudeness): void {
    const off = connectorOf(slot).on("*", () => {
      if (rudeness === "throws") throw new Error("A listener of the chaos throws");
      off();
      if (rudeness === "destroys") chaos.destroy(slot);
      else chaos.ask(slot, [{ kind: "known", isNamed: true, lifeMs: 500 }]);
    });
  },

  /** Waits for a connector's widget, at most a second. */
  async waitForWidget(slot: Slot): Promise<void> {
    const connector = connectorOf(slot);
    for (let waits = 0; waits < 50 && connector.state !== "ready"; waits += 1) {
      await new Promise<void>((resolve) => setOwnTimeout(resolve, 20));
    }
  },

  setHidden(hidden: boolean): void {
    isHidden = hidden;
    document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
  },

  setSrc,
  move,
  removeFrame,
  removeContainer,
  putContainerBack,

  /** Counts in-flight requests whose timeout is at most `lifeMs`. */
  inFlight: (lifeMs: number): number =>
    chaos.requests().filter(({ settledAt, ask }) => settledAt === undefined && ask.lifeMs <= lifeMs).length,
  framesOf: (slot: Slot): number => document.querySelectorAll(`iframe[title="${slot}"]`).length,
  requests: (): RequestReport[] => Array.from(ledger.values(), ({ report }) => report),
  problems: (): string[] => problems,
  leftovers: (): Leftovers => ({ ...countSet(), frames: document.querySelectorAll("iframe").length }),
};

function connectorOf(slot: Slot): Connector {
  const connector = connectors.get(slot);
  if (!connector) throw new Error(`${slot} has no connector`);
  return connector;
}

Object.assign(window, { chaos });
