/** `<availability-badge user-id="123">`: shows an agent's availability in a word or two, and follows each change. */
import { readAvailability } from "../../shared/contracts/read-availability.ts";
import type { Connector, WatchStatus } from "../connector.ts";
import type { WatchedAvailability } from "../event-types.ts";
import type { Unsubscribe } from "../listeners.ts";
import { warnOnce } from "../warn.ts";

const NAME = "availability-badge";

/** Maximum delay of a timer, some 23 days: browsers fire a timer of more than 2^31 ms at once. */
const MAX_TIMER_SECONDS = 2_000_000;

/** Delay before a missing `user-id` is a fault: a framework may set the attribute late. */
const MISSING_ID_DELAY_MS = 5_000;

/** State of a badge without an availability: not received yet, no longer valid, or not to be had. */
type Placeholder = "loading" | "unknown" | "not_allowed" | "removed" | "error";

/** Placeholders of statuses without an availability. The status `error` keeps the last availability, and marks it as stale. */
const PLACEHOLDERS: Readonly<Record<Exclude<WatchStatus["status"], "live" | "stale">, Placeholder>> = {
  "unknown-user": "unknown",
  "session-expired": "unknown",
  "not-allowed": "not_allowed",
  removed: "removed",
  error: "error",
};

/** The part of a connector that badges use. */
type BadgeConnector = Pick<Connector, "watch" | "onStateChange" | "state">;

/** The connector of all badges: the newest. */
let activeConnector: BadgeConnector | undefined;

/** Subscriptions to the active connector. */
let unsubscribers: Unsubscribe[] = [];

/** Restarts each badge in the page. */
let restartBadges: (placeholder: Placeholder) => void;

/**
 * Defines `<availability-badge user-id="123">` for the whole page, including badges already in the page. A later call, such as
 * after the page has connected again, moves all badges to the newest connector. Does nothing outside a browser, or if a second
 * copy of the package has defined the name.
 *
 * A badge contains plain text and is no live region: a screen reader would read out hundreds of changes. Attributes for the
 * page's styles are `data-state` (a state of `readAvailability`, `wrapping_up`, `loading`, `unknown`, `not_allowed`, `removed` or
 * `error`), `data-reason`, `data-stale` (`true` if the availability may be outdated), and `data-callable` (`true` only if the agent
 * can be called now, and never while `data-stale` is `true`). The badge is `unknown` if there is no such agent, while the session
 * has ended, after the connector was destroyed, and with an invalid `user-id`. The console has a warning per invalid id, and a
 * warning for a badge without `user-id`.
 */
export function defineAvailabilityBadge(connector: BadgeConnector): void {
  if (typeof customElements === "undefined" || connector === activeConnector) return;
  // A second copy of the package has defined the name.
  if (!activeConnector && customElements.get(NAME)) return;
  for (const unsubscribe of unsubscribers) unsubscribe();
  activeConnector = connector;
  unsubscribers = [
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
    /** Fires at the end of the wrap-up time, or when `user-id` is overdue. */
    #timer: ReturnType<typeof setTimeout> | undefined;
    #availability: WatchedAvailability | undefined;
    #status: WatchStatus["status"] | undefined;
    /** End of the wrap-up time, on the monotonic clock. */
    #wrapUpEndsAt = 0;

    connectedCallback(): void {
      badges.add(this);
      this.#watch("loading");
    }

    attributeChangedCallback(_name: string, before: string | null, after: string | null): void {
      if (this.isConnected && before !== after) this.#watch("loading");
    }

    disconnectedCallback(): void {
      badges.delete(this);
      this.#stop();
    }

    #stop(): void {
      this.#unwatch?.();
      this.#unwatch = undefined;
      clearTimeout(this.#timer);
      this.#availability = undefined;
      this.#status = undefined;
    }

    #watch(placeholder: Placeholder): void {
      this.#stop();
      const text = this.getAttribute("user-id");
      const userId = text === null ? undefined : parseUserId(text);
      const isUnavailable = activeConnector?.state === "closed" || (text !== null && userId === undefined);
      this.#showPlaceholder(isUnavailable ? "unknown" : placeholder);
      if (text === null) this.#timer = setTimeout(() => this.#warnOfMissingId(), MISSING_ID_DELAY_MS);
      if (userId !== undefined) {
        this.#unwatch = activeConnector?.watch(
          userId,
          (availability) => {
            this.#availability = availability;
            this.#wrapUpEndsAt = performance.now() + (availability.wrapUpTimeTtl ?? 0) * 1_000;
            this.#render();
          },
          {
            onStatus: ({ status }) => {
              this.#status = status;
              this.#render();
            },
          },
        );
      }
    }

    #warnOfMissingId(): void {
      warnOnce(`user-id: expected on each <${NAME}>, and one has only ${this.getAttributeNames().join(", ")}`);
    }

    /** Removes the availability of the previous agent or session. Text from the page's markup stays while the badge loads. */
    #showPlaceholder(placeholder: Placeholder): void {
      if (placeholder !== "loading") this.textContent = toLabel(placeholder);
      else if (this.getAttribute("data-state")) this.textContent = "";
      this.#setState(placeholder);
    }

    /** Writes attributes, not `dataset`: `setAttribute` is noticeably faster with a thousand badges. */
    #setState(state: string, reason = "", callable = false, stale = false): void {
      this.setAttribute("data-state", state);
      this.setAttribute("data-reason", reason);
      this.setAttribute("data-stale", `${stale}`);
      this.setAttribute("data-callable", `${callable && !stale}`);
    }

    /** Shows the latest availability as far as its status allows. The status follows the first availability at once. */
    #render(): void {
      const status = this.#status;
      const latest = this.#availability;
      if (!status) return;
      clearTimeout(this.#timer);
      if (status !== "live" && status !== "stale" && !(status === "error" && latest)) {
        this.#showPlaceholder(PLACEHOLDERS[status]);
        return;
      }
      if (!latest) return;
      const wrapUpTimeTtl = Math.max(0, Math.ceil((this.#wrapUpEndsAt - performance.now()) / 1_000));
      const reading = readAvailability({ ...latest, wrapUpTimeTtl });
      const { reason, callable } = reading;
      const isWrappingUp = !callable && latest.status === "available";
      const state = isWrappingUp ? "wrapping_up" : reading.state;
      this.#setState(state, reason ?? "", callable, status !== "live");
      this.textContent = toLabel(isWrappingUp || reason === "other" ? state : latest.status);
      // The end of the wrap-up time is no change: the gateway sends no event.
      if (isWrappingUp)
        this.#timer = setTimeout(() => this.#render(), Math.min(wrapUpTimeTtl, MAX_TIMER_SECONDS) * 1_000);
    }
  }
  return Badge;
}

/** Parses the attribute. `Number` alone would accept `0x7B` and `1e2`, but no page writes an agent's id like that. */
function parseUserId(text: string): number | undefined {
  const userId = Number(text);
  if (/^[1-9]\d*$/.test(text) && Number.isSafeInteger(userId)) return userId;
  warnOnce(`user-id: expected a whole number from 1, not ${JSON.stringify(text)}`);
  return undefined;
}

/** Formats a status, including an unknown status: `out_for_lunch` is `Out for lunch`. */
function toLabel(status: string): string {
  return (status.charAt(0).toUpperCase() + status.slice(1)).replaceAll("_", " ").replace("traning", "training");
}
