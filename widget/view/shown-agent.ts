/** The agent that a visible widget shows: as the latest request of the page named it, and as announcements have changed it. */
import type { Announcements } from "../../shared/contracts/index.ts";
import { type Envelope, isRejected, isSettlementTypeOf, type Settlement } from "../../shared/protocol/envelope.ts";

/** Content of the view. The availability is not validated yet: an invisible widget shows, and validates, nothing. */
export type ViewContent =
  | { readonly kind: "empty" | "failed" | "removed" | "expired" }
  | { readonly kind: "availability"; readonly availability: unknown; readonly isStale: boolean };

export interface ShownAgent {
  /** Shows the availability of a fulfilled request for one agent, or that the request failed. */
  handleSettlement(settlement: Settlement): void;
  /** Follows the announcements about the shown agent, and the state of announcements. */
  handleAnnouncement(event: Envelope): void;
  /** Shows nothing, because another connector or another agent has come. */
  clear(): void;
}

const CHANGED: readonly (keyof Announcements)[] = ["USER.AVAILABILITY_CHANGED", "USER.TEAMMATE_AVAILABILITY_CHANGED"];

/** Creates an empty view's content. `show` is called with each change. */
export function createShownAgent(show: (content: ViewContent) => void): ShownAgent {
  let content: ViewContent = { kind: "empty" };
  let isStale = false;

  function render(next: ViewContent): void {
    content = next;
    show(content);
  }

  return {
    handleSettlement(settlement) {
      if (!isSettlementTypeOf("API.FETCH_USER_AVAILABILITY", settlement.type)) return;
      if (isRejected(settlement)) render({ kind: "failed" });
      // The gateway has just answered.
      else render({ kind: "availability", availability: settlement.payload, isStale: false });
    },
    handleAnnouncement({ type, payload }) {
      if (type === ("LIVE.STATE_CHANGED" satisfies keyof Announcements)) isStale = Object(payload).state === "stale";
      if (content.kind === "empty" || content.kind === "failed" || content.kind === "expired") return;
      if (type === ("AUTH.SESSION_EXPIRED" satisfies keyof Announcements)) render({ kind: "expired" });
      if (content.kind !== "availability") return;
      const { userId, version } = Object(content.availability);
      if (type === ("LIVE.STATE_CHANGED" satisfies keyof Announcements)) render({ ...content, isStale });
      if (Object(payload).userId !== userId) return;
      if (type === ("USER.AVAILABILITY_REMOVED" satisfies keyof Announcements)) render({ kind: "removed" });
      else if (CHANGED.some((changed) => changed === type) && Object(payload).version > version) {
        const { updatedAt: _updatedAt, ...availability } = Object(payload);
        render({ kind: "availability", availability, isStale });
      }
    },
    clear() {
      isStale = false;
      if (content.kind !== "empty") render({ kind: "empty" });
    },
  };
}
