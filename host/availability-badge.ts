/** `<availability-badge user-id="123">`: says in a word or two what an agent is doing, and keeps saying it as it changes. */
import { readAvailability } from "../shared/availability.ts";
import type { Connector } from "./connector.ts";
import type { Unsubscribe } from "./listeners.ts";
import type { WatchedAvailability } from "./watches.ts";

const NAME = "availability-badge";

/**
 * Defines `<availability-badge user-id="123">` for the whole page, those that are in it already included. Does nothing where
 * the name is taken, as by another copy of this package, and outside a browser.
 *
 * A badge holds plain text, which it never announces by itself: a page with hundreds of them would not stop talking. For the
 * page's own styles it has `data-state` (a state of `readAvailability`, `wrapping_up`, or `loading`), `data-reason`, and
 * `data-callable`, `true` only where the agent can be called now.
 */
export function defineAvailabilityBadge(connector: Pick<Connector, "watch">): void {
  // A page without a browser has no class to extend either.
  if (typeof customElements === "undefined" || customElements.get(NAME)) return;
  customElements.define(
    NAME,
    class extends HTMLElement {
      static readonly observedAttributes = ["user-id"];
      #unwatch: Unsubscribe | undefined;
      /** Rings at the end of the wrap-up time, if one runs. */
      #timer: ReturnType<typeof setTimeout> | undefined;

      connectedCallback(): void {
        this.#watch();
      }

      attributeChangedCallback(): void {
        if (this.isConnected) this.#watch();
      }

      disconnectedCallback(): void {
        this.#unwatch?.();
        clearTimeout(this.#timer);
      }

      #watch(): void {
        this.disconnectedCallback();
        // What it showed may be of somebody else, or of long ago. What the page has put there to begin with stays.
        if (this.dataset["state"]) this.textContent = "";
        Object.assign(this.dataset, { state: "loading", reason: "", callable: false });
        const userId = this.getAttribute("user-id");
        // A framework may set it later.
        if (userId !== null) this.#unwatch = connector.watch(Number(userId), (news) => this.#show(news));
      }

      #show(availability: WatchedAvailability): void {
        clearTimeout(this.#timer);
        const { status, wrapUpTimeTtl = 0 } = availability;
        const reading = readAvailability(availability);
        const { reason, callable } = reading;
        const isWrappingUp = !callable && status === "available";
        const state = isWrappingUp ? "wrapping_up" : reading.state;
        Object.assign(this.dataset, { state, reason: reason ?? "", callable });
        this.textContent = toWords(isWrappingUp || reason === "other" ? state : status);
        // Its end has no version of its own.
        if (isWrappingUp) {
          this.#timer = setTimeout(() => this.#show({ ...availability, wrapUpTimeTtl: 0 }), wrapUpTimeTtl * 1_000);
        }
      }
    },
  );
}

/** `out_for_lunch` as `Out for lunch`; a word that this code does not know is shown as it is. */
function toWords(word: string): string {
  return (word.charAt(0).toUpperCase() + word.slice(1)).replaceAll("_", " ").replace("traning", "training");
}
