/** `<availability-badge user-id="123">`: says in a word or two what an agent is doing, and keeps saying it as it changes. */
import { readAvailability } from "../../shared/contracts/read-availability.ts";
import type { WatchedAvailability } from "../bus-types.ts";
import type { Connector } from "../connector.ts";
import type { Unsubscribe } from "../listeners.ts";

const NAME = "availability-badge";

/** A timer of a browser rings at once where it is set for more than 2^31 ms, which is some 24 days. */
const LONGEST_TIMER_SECONDS = 2_000_000;

/** What a badge shows as long as it has heard nothing: it will, or what it showed last counts no more. */
type Silence = "loading" | "unknown";

/** What badges need of a connector. */
type BadgeConnector = Pick<Connector, "watch" | "on" | "onStateChange" | "state">;

/** The connector that all badges go by: the newest. */
let source: BadgeConnector | undefined;

/** Ends what is heard of the connector before it. */
let leaveSource: Unsubscribe[] = [];

/** Has each badge that is in the page begin anew. */
let restartAll: (silence: Silence) => void;

/** Whether the page has been told of a `user-id` that is none: once is enough for hundreds of badges. */
let hasWarned = false;

/**
 * Defines `<availability-badge user-id="123">` for the whole page, those that are in it already included. Called again, as by a
 * page that has connected anew, it has all of them go by the newest connector. Does nothing where the name is taken by
 * another copy of this package, and outside a browser.
 *
 * A badge holds plain text, which it never announces by itself: a page with hundreds of them would not stop talking. For the
 * page's own styles it has `data-state` (a state of `readAvailability`, `wrapping_up`, or `loading`), `data-reason`, and
 * `data-callable`, `true` only where the agent can be called now. Where the session has ended, or the connector was
 * destroyed, it is `unknown` until it hears of the agent again. A `user-id` that is none is `unknown`, too, which the console says once.
 */
export function defineAvailabilityBadge(connector: BadgeConnector): void {
  // A page without a browser has no class to extend either. Who has no source here has not defined the name.
  if (typeof customElements === "undefined" || (!source && customElements.get(NAME)) || connector === source) return;
  for (const off of leaveSource) off();
  source = connector;
  leaveSource = [
    connector.on("AUTH.SESSION_EXPIRED", () => restartAll("unknown")),
    connector.onStateChange((state) => {
      if (state === "closed") restartAll("unknown");
    }),
  ];
  if (customElements.get(NAME)) restartAll("loading");
  else customElements.define(NAME, createBadgeClass());
}

/** Makes the element's class, which extends what there is in a browser alone. */
function createBadgeClass(): CustomElementConstructor {
  /** Those that are in the page. */
  const badges = new Set<Badge>();
  class Badge extends HTMLElement {
    static readonly observedAttributes = ["user-id"];
    static {
      restartAll = (silence) => {
        for (const badge of badges) badge.#watch(silence);
      };
    }
    #unwatch: Unsubscribe | undefined;
    /** Rings at the end of the wrap-up time, if one runs. */
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

    #watch(silence: Silence): void {
      this.#stop();
      const text = this.getAttribute("user-id");
      const userId = text === null ? undefined : readUserId(text);
      // A framework may set the attribute later.
      const isHopeless = source?.state === "closed" || (text !== null && userId === undefined);
      this.#fallSilent(isHopeless ? "unknown" : silence);
      if (userId !== undefined) this.#unwatch = source?.watch(userId, (news) => this.#show(news));
    }

    /** What it showed may be of somebody else, or of long ago. What the page has put there to begin with stays while it loads. */
    #fallSilent(silence: Silence): void {
      if (silence === "unknown") this.textContent = toWords(silence);
      else if (this.getAttribute("data-state")) this.textContent = "";
      this.#describe(silence);
    }

    /** By attributes, which are written faster than `dataset`: with a thousand badges it shows. */
    #describe(state: string, reason = "", callable = false): void {
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
      this.#describe(state, reason ?? "", callable);
      this.textContent = toWords(isWrappingUp || reason === "other" ? state : status);
      if (!isWrappingUp) return;
      // Its end has no version of its own.
      const wait = Math.min(wrapUpTimeTtl, LONGEST_TIMER_SECONDS);
      const then = { ...availability, wrapUpTimeTtl: wrapUpTimeTtl - wait };
      this.#timer = setTimeout(() => this.#show(then), wait * 1_000);
    }
  }
  return Badge;
}

/** Reads the attribute. `Number` alone would take `0x7B` and `1e2` for other agents, and a template's `{{id}}` for a number. */
function readUserId(text: string): number | undefined {
  const userId = Number(text);
  if (/^[1-9]\d*$/.test(text) && Number.isSafeInteger(userId)) return userId;
  if (!hasWarned) {
    console.warn(`${NAME}: user-id: expected a whole number from 1, not ${JSON.stringify(text)}`);
    hasWarned = true;
  }
  return undefined;
}

/** `out_for_lunch` as `Out for lunch`; a word that this code does not know is shown as it is. */
function toWords(word: string): string {
  return (word.charAt(0).toUpperCase() + word.slice(1)).replaceAll("_", " ").replace("traning", "training");
}
