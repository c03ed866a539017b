/** `<availability-badge user-id="123">`: shows an agent's availability in a word or two, and follows each change. */
import { readAvailability } from "../../shared/contracts/read-availability.ts";
import type { Connector } from "../connector.ts";
import type { WatchedAvailability } from "../event-types.ts";
import type { Unsubscribe } from "../listeners.ts";
import { warnOnce } from "../warn.ts";

const NAME = "availability-badge";

/** The longest timer of a browser, some 24 days: one of more than 2^31 ms fires at once. */
const MAX_TIMER_SECONDS = 2_000_000;

/** Time in which a framework may set a badge's `user-id`, before its absence is a fault. */
const MISSING_ID_DELAY_MS = 5_000;

/** State of a badge without an availability: one is awaited, or the last one is no longer valid. */
type Placeholder = "loading" | "unknown";

/** The part of a connector that badges use. */
type BadgeConnector = Pick<Connector, "watch" | "on" | "onStateChange" | "state">;

/** The connector of all badges: the newest. */
let activeConnector: BadgeConnector | undefined;

/** Subscriptions to the active connector. */
let unsubscribers: Unsubscribe[] = [];

/** Restarts each badge in the page. */
let restartBadges: (placeholder: Placeholder) => void;

/**
 * Defines `<availability-badge user-id="123">` for the whole page, including badges that it already has. Another call, as by a
 * page that has connected again, moves all badges to the newest connector. Does nothing if another copy of this package has
 * defined the name, and outside a browser.
 *
 * A badge holds plain text and is no live region: a screen reader would read out hundreds of changes. For the
 * page's own styles it has `data-state` (a state of `readAvailability`, `wrapping_up`, or `loading`), `data-reason`, and
 * `data-callable`, which is `true` only if the agent can be called now. When the session has ended, or the connector was
 * destroyed, the badge is `unknown` until the next availability of its agent. A `user-id` that is no agent's id is `unknown`
 * as well; the console has one warning for each such id, and for badges without any.
 */
export function defineAvailabilityBadge(connector: BadgeConnector): void {
  if (typeof customElements === "undefined" || connector === activeConnector) return;
  // Another copy of this package has defined the name.
  if (!activeConnector && customElements.get(NAME)) return;
  for (const unsubscribe of unsubscribers) unsubscribe();
  activeConnector = connector;
  unsubscribers = [
    connector.on("AUTH.SESSION_EXPIRED", () => restartBadges("unknown")),
    connector.onStateChange((state) => {
      if (state === "closed") restartBadges("unknown");
    }),
  ];
  if (customElements.get(NAME)) restartBadges("loading");
  else customElements.define(NAME, createBadgeClass());
}

/** Creates the element's class. Outside a browser there is no `HTMLElement` to extend. */
function createBadgeClass(): CustomElementConstructor {
  const badges = new Set<Badge>();
  class Badge extends HTMLElement {
    static readonly observedAttributes = ["user-id"];
    static {
      restartBadges = (placeholder) => {
        for (const badge of badges) badge.#watch(placeholder);
      };
    }
    #unwatch: Unsubscribe | undefined;
    /** Fires at the end of the wrap-up time, or when `user-id` should be there. */
    #timer: ReturnType<typeof setTimeout> | undefined;

    connectedCallback(): void {
      badges.add(this);
      this.#watch("loading");
    }

    attributeChangedCallback(): void {
      if (this.isConnected) this.#watch("loading");
    }

    disconnectedCallback(): void {
      badges.delete(this);
      this.#stop();
    }

    #stop(): void {
      this.#unwatch?.();
      this.#unwatch = undefined;
      clearTimeout(this.#timer);
    }

    #watch(placeholder: Placeholder): void {
      this.#stop();
      const text = this.getAttribute("user-id");
      const userId = text === null ? undefined : parseUserId(text);
      const isUnavailable = activeConnector?.state === "closed" || (text !== null && userId === undefined);
      this.#showPlaceholder(isUnavailable ? "unknown" : placeholder);
      if (text === null) this.#timer = setTimeout(() => this.#warnOfMissingId(), MISSING_ID_DELAY_MS);
      if (userId !== undefined) {
        this.#unwatch = activeConnector?.watch(userId, (availability) => this.#show(availability));
      }
    }

    #warnOfMissingId(): void {
      warnOnce(`user-id: expected on each <${NAME}>, and one has only ${this.getAttributeNames().join(", ")}`);
    }

    /** Removes the availability of another agent, or of an ended session. Text that the page itself has written stays while the badge loads. */
    #showPlaceholder(placeholder: Placeholder): void {
      if (placeholder === "unknown") this.textContent = toLabel(placeholder);
      else if (this.getAttribute("data-state")) this.textContent = "";
      this.#setState(placeholder);
    }

    /** Writes attributes, which is faster than `dataset`: a thousand badges show the difference. */
    #setState(state: string, reason = "", callable = false): void {
      this.setAttribute("data-state", state);
      this.setAttribute("data-reason", reason);
      this.setAttribute("data-callable", `${callable}`);
    }

    #show(availability: WatchedAvailability): void {
      clearTimeout(this.#timer);
      const { status, wrapUpTimeTtl = 0 } = availability;
      const reading = readAvailability(availability);
      const { reason, callable } = reading;
      const isWrappingUp = !callable && status === "available";
      const state = isWrappingUp ? "wrapping_up" : reading.state;
      this.#setState(state, reason ?? "", callable);
      this.textContent = toLabel(isWrappingUp || reason === "other" ? state : status);
      if (!isWrappingUp) return;
      // The end of the wrap-up time is no change, and the gateway sends nothing.
      const delaySeconds = Math.min(wrapUpTimeTtl, MAX_TIMER_SECONDS);
      const afterWait = { ...availability, wrapUpTimeTtl: wrapUpTimeTtl - delaySeconds };
      this.#timer = setTimeout(() => this.#show(afterWait), delaySeconds * 1_000);
    }
  }
  return Badge;
}

/** Parses the attribute. `Number` alone would accept `0x7B` and `1e2`, which no page means as an agent's id. */
function parseUserId(text: string): number | undefined {
  const userId = Number(text);
  if (/^[1-9]\d*$/.test(text) && Number.isSafeInteger(userId)) return userId;
  warnOnce(`user-id: expected a whole number from 1, not ${JSON.stringify(text)}`);
  return undefined;
}

/** Formats a status: `out_for_lunch` is `Out for lunch`. A status that this release does not know is formatted alike. */
function toLabel(status: string): string {
  return (status.charAt(0).toUpperCase() + status.slice(1)).replaceAll("_", " ").replace("traning", "training");
}
