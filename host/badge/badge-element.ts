/** The element `<availability-badge>`, without anything that it shows. */
import type { UnavailableReason } from "../../shared/contracts/read-availability.ts";
import type { ShownState } from "../../shared/languages/texts.ts";
import type { Connector } from "../connector.ts";
import { warnOnce } from "../warn.ts";

/** The part of a connector that badges use. */
export type BadgeConnector = Pick<Connector, "watch" | "onStateChange" | "state">;

/** Follows the badges of a page. */
export interface BadgeEvents {
  /** Handles a badge that has come into the page. */
  onConnected(badge: HTMLElement): void;
  /** Handles a changed attribute: a new `user-id`, or one that the badge writes, changed by the badge itself or by the page. */
  onChanged(badge: HTMLElement, name: string): void;
  /** Handles a badge that has left the page. */
  onDisconnected(badge: HTMLElement): void;
}

/** An agent's id as a framework sets it. `undefined`, `null`, `0` and an empty text remove the id. */
type SettableUserId = number | string | null | undefined;

/** Attributes of the element, for the types of a framework's templates. Those with a user id are properties as well. */
export interface AvailabilityBadgeAttributes {
  /** The agent's id in the telephony system. */
  "user-id"?: SettableUserId;
  /** The same as `user-id`, as a property alone: HTML has no attribute of this name. */
  userId?: SettableUserId;
  /** A mark alone, mark and text, or a line with the agent's name in the slot `name` above. @default "pill" */
  variant?: "dot" | "pill" | "full" | undefined;
  /** If set, a screen reader reads each change out, once it has nothing else to say. */
  announce?: boolean | "" | undefined;
  /** Language of the text, such as `de`. @default that of the nearest ancestor with `lang`, otherwise the browser's */
  lang?: string | undefined;
}

/** The element `<availability-badge>`. Both properties read and write the attribute `user-id`. */
export interface AvailabilityBadgeElement
  extends HTMLElement,
    Required<Pick<AvailabilityBadgeAttributes, "user-id" | "userId">> {}

/** What a badge shows from now on. The values are those of its `data-` attributes. */
export interface AvailabilityChange {
  /** The agent; `null` without a valid `user-id`. */
  readonly userId: number | null;
  readonly state: ShownState;
  /** Reason of the state `do_not_disturb`; empty without one. */
  readonly reason: UnavailableReason | "";
  /** True only if the agent can be called now. */
  readonly callable: boolean;
  /** True if the availability may be outdated. */
  readonly stale: boolean;
}

/** Event of a badge whose state, reason, `callable` or `stale` has changed. Bubbles, and leaves shadow roots. */
export type AvailabilityChangeEvent = CustomEvent<AvailabilityChange>;

declare global {
  interface HTMLElementTagNameMap {
    "availability-badge": AvailabilityBadgeElement;
  }
  interface GlobalEventHandlersEventMap {
    "availability-change": AvailabilityChangeEvent;
  }
}

export const BADGE = "availability-badge";

export const USER_ID = "user-id";

/** Names of the property. Some frameworks set the property of the attribute's name. */
const PROPERTIES = ["userId", USER_ID] as const;

/** True if another script has defined the element, for which the console has a warning. */
export function isDefinedByOthers(): boolean {
  if (!customElements.get(BADGE)) return false;
  warnOnce(`<${BADGE}> belongs to another script, or to another copy of this one`);
  return true;
}

/** Defines the element, including badges already in the page, and returns its class. The name must be free. */
export function defineBadgeElement(events: BadgeEvents): CustomElementConstructor {
  class Badge extends HTMLElement {
    // Beside the id what a badge writes for the page's styles.
    static readonly observedAttributes = [USER_ID, "data-state", "data-reason", "data-stale", "data-callable"];

    get userId(): string | null {
      return this.getAttribute(USER_ID);
    }

    set userId(userId: SettableUserId) {
      if (userId) this.setAttribute(USER_ID, `${userId}`);
      else this.removeAttribute(USER_ID);
    }

    get [USER_ID](): string | null {
      return this.userId;
    }

    set [USER_ID](userId: SettableUserId) {
      this.userId = userId;
    }

    connectedCallback(): void {
      // A property that was set before the definition hides the accessor of the class.
      for (const name of PROPERTIES) {
        const own = Object.getOwnPropertyDescriptor(this, name);
        if (own && Reflect.deleteProperty(this, name)) Reflect.set(this, name, own.value);
      }
      events.onConnected(this);
    }

    attributeChangedCallback(name: string, before: string | null, after: string | null): void {
      if (before !== after) events.onChanged(this, name);
    }

    disconnectedCallback(): void {
      events.onDisconnected(this);
    }
  }
  customElements.define(BADGE, Badge);
  return Badge;
}
