/** Panel of a widget's document, checked against the second guarantee. */
import { is } from "valibot";
import { Availability } from "../../shared/contracts/availability.ts";
import { readAvailability } from "../../shared/contracts/read-availability.ts";
import { subtractElapsed } from "../../widget/gateway/elapsed-time.ts";
import { createPanelState } from "../../widget/panel/panel-state.ts";
import type { PanelServices } from "../../widget/panel/services.ts";
import { en } from "../../widget/panel/texts/en.ts";
import type { FakeClock } from "./fake-clock.ts";
import type { TrueAgent } from "./model-gateway.ts";

/** The panel of one document, as a person sees the panel. */
export interface ModelPanel {
  /** The page around the widget has come or gone. */
  setConnected(isConnected: boolean): void;
  /** Time since which the page has been connected, on the monotonic clock; `undefined` without a page. */
  connectedAt(): number | undefined;
  /** True if the panel says that its team is as the gateway has it. */
  saysCurrent(): boolean;
  /** True if the panel has loaded no team, since the session has ended. */
  isSignedOut(): boolean;
  /** Version that the panel shows of an agent; `undefined` for an agent who is not in the team. */
  shownVersion(userId: number): number | undefined;
  describe(): string;
}

/** Creates the panel's real state over the widget's services, without its elements. */
export function createModelPanel(services: PanelServices, clock: FakeClock): ModelPanel {
  const isAvailability = (value: unknown): value is Availability => is(Availability, value);
  const state = createPanelState({ ...services, isAvailability, readAvailability, subtractElapsed }, () => {});
  let connectedAt: number | undefined;

  function shown(): ReadonlyMap<number, Availability> {
    const rows = state.read(en).rows.flatMap((row) => (row.kind === "agent" ? [row.availability] : []));
    return new Map(rows.map((availability) => [availability.userId, availability]));
  }

  return {
    setConnected(isConnected) {
      if (!isConnected) connectedAt = undefined;
      else connectedAt ??= clock.now();
      state.update({ isConnected, latest: undefined });
    },
    connectedAt: () => connectedAt,
    saysCurrent() {
      const { phase, isStale } = state.read(en);
      return phase === "ready" && !isStale;
    },
    isSignedOut: () => state.read(en).phase === "signed_out",
    shownVersion: (userId) => shown().get(userId)?.version,
    describe() {
      const { phase, isStale } = state.read(en);
      const team = [...shown().values()].map(({ userId, version }) => `${userId} at ${version}`);
      return `the panel is ${phase}${isStale ? ", stale" : ""}, with ${team.join(", ") || "nobody"}`;
    },
  };
}

/** True if the panel shows the agent as the gateway has the agent, or no agent if there is none. */
export function showsTruth(panel: ModelPanel, userId: number, { current }: TrueAgent): boolean {
  return panel.shownVersion(userId) === current?.version;
}
