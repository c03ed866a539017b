/** Badges without a DOM: the real badge class over a fake `HTMLElement`, without a view. */
import { vi } from "vitest";
import { defineBadgeElement } from "../../host/badge/badge-element.ts";
import { type Badges, createBadges } from "../../host/badge/badges.ts";
import type { Connector } from "../../host/connector.ts";

/** Members of `HTMLElement` used by a badge. */
class FakeElement {
  readonly #attributes = new Map<string, string>();
  isConnected = false;

  closest(): null {
    return null;
  }

  getRootNode(): object {
    return {};
  }

  dispatchEvent(): void {}

  getAttribute(name: string): string | null {
    return this.#attributes.get(name) ?? null;
  }

  setAttribute(name: string, value: string): void {
    this.#attributes.set(name, value);
  }

  getAttributeNames(): string[] {
    return [...this.#attributes.keys()];
  }
}

interface BadgeElement extends FakeElement {
  connectedCallback(): void;
  disconnectedCallback(): void;
}

let badgeClass: (new () => BadgeElement) | undefined;

let badges: Badges | undefined;

/** Defines the badge element. All badges use the latest connector. */
export function defineModelBadge(connector: Connector): void {
  vi.stubGlobal("HTMLElement", FakeElement);
  vi.stubGlobal("navigator", { language: "en" });
  vi.stubGlobal("CustomEvent", class {});
  vi.stubGlobal("customElements", {
    get: () => badgeClass,
    define(_name: string, defined: new () => BadgeElement) {
      badgeClass = defined;
    },
  });
  if (badges) badges.useConnector(connector);
  else {
    badges = createBadges(connector, () => () => {});
    defineBadgeElement(badges);
  }
}

/** Badge in the page. */
export interface ModelBadge {
  readonly userId: number;
  isCallable(): boolean;
  isStale(): boolean;
  state(): string | null;
  remove(): void;
}

/** Puts a badge into the page. */
export function addBadge(userId: number): ModelBadge {
  if (!badgeClass) throw new Error("The badge is not defined");
  const badge = new badgeClass();
  badge.setAttribute("user-id", `${userId}`);
  badge.isConnected = true;
  badge.connectedCallback();
  return {
    userId,
    isCallable: () => badge.getAttribute("data-callable") === "true",
    isStale: () => badge.getAttribute("data-stale") === "true",
    state: () => badge.getAttribute("data-state"),
    remove() {
      badge.isConnected = false;
      badge.disconnectedCallback();
    },
  };
}
