/** The badges of a page: which agents they show, and which of them are near the screen. */
import type { Unsubscribe } from "../listeners.ts";
import { type AgentContent, createPlaceholder, LOADING } from "./agent-content.ts";
import { type AvailabilityChange, type BadgeConnector, type BadgeEvents, USER_ID } from "./badge-element.ts";
import { setAttribute } from "./badge-parts.ts";
import { isUserId } from "./badge-texts.ts";
import type { RenderBadge } from "./badge-view.ts";
import { createWatchedAgent, type WatchedAgent } from "./watched-agent.ts";

/** Delay before a missing `user-id` is a fault: a framework may set the attribute late. */
const MISSING_ID_DELAY_MS = 5_000;

/** Distance from the screen in which badges are watched already. The second one is for lists that scroll by themselves. */
const VISIBILITY = { rootMargin: "200px", scrollMargin: "200px" };

/**
 * Maximum number of badges in the page that are watched at once, as if they were near the screen: `IntersectionObserver` knows only after the next frame,
 * which takes long with a thousand badges. It ends the watch of those that are not. A page that watches no more has a stream of these agents alone.
 */
const MAX_GUESSED = 100;

/** Maximum number of agents of which some are watched without a badge near the screen: a page can watch 5,000. */
const MAX_LINGERING = 2_000;

/** Attributes of the page by which a badge looks different. */
const LOOKS = { attributeFilter: ["lang", "variant", "announce"], subtree: true };

/** The badges of a page. */
export interface Badges extends BadgeEvents {
  /** Moves all badges to another connector. */
  useConnector(connector: BadgeConnector): void;
  /** Shows the badges near the screen anew. The others follow when they come near. */
  renderAll(): void;
}

/** One badge in the page. */
interface Badge {
  readonly element: HTMLElement;
  readonly view: RenderBadge;
  /** The agent; `undefined` without a valid `user-id`, and after the connector was destroyed. */
  agent?: WatchedAgent<Badge> | undefined;
  /** Content without an agent. */
  content: AgentContent;
  /** True while the badge is on the screen or near it. */
  isNear: boolean;
  /** Values of the `data-` attributes; none out of the page. */
  shown: Readonly<Record<string, string | boolean>>;
  /** True while the badge itself writes its attributes. */
  isWriting?: boolean;
  /** Fires when `user-id` is overdue. */
  timer?: ReturnType<typeof setTimeout>;
}

/** Views by element: a shadow root stays when a badge leaves the page. */
const views = new WeakMap<HTMLElement, RenderBadge>();

/**
 * Creates an empty list of badges over a connector. Only with a badge in the page does the connector have a listener.
 *
 * @param createView creates the part of a badge that needs a document.
 */
export function createBadges(connector: BadgeConnector, createView: (element: HTMLElement) => RenderBadge): Badges {
  const badges = new Map<Element, Badge>();
  const agents = new Map<number, WatchedAgent<Badge>>();
  let unsubscribe: Unsubscribe | undefined;
  /** Absent in test environments: then all badges are watched. */
  const visibility =
    globalThis.IntersectionObserver &&
    new IntersectionObserver((entries) => {
      for (const { target, isIntersecting } of entries) {
        const badge = badges.get(target);
        if (!badge) continue;
        // Its age or its language may be an old one.
        if (isIntersecting && !badge.isNear) render(badge);
        // One that the page has moved into another window is on no screen of this one.
        badge.isNear = isIntersecting || target.ownerDocument !== document;
        settle(badge);
      }
    }, VISIBILITY);
  const looks = new MutationObserver(renderAll);

  /** Ends all watches and begins again. Follows the connector and the document while a badge is in the page. */
  function restart(next = connector): void {
    connector = next;
    unsubscribe?.();
    unsubscribe = undefined;
    looks.disconnect();
    for (const [, agent] of agents) {
      agent.badges.clear();
      agent.stop();
    }
    if (!badges.size) return;
    unsubscribe = connector.onStateChange((state) => {
      if (state === "closed") restart();
    });
    try {
      looks.observe(document, LOOKS);
    } catch {
      // Salesforce refuses: a badge has another language of the page with its next change.
    }
    for (const [, badge] of badges) follow(badge);
  }

  /** Follows the agent of the badge's `user-id`. */
  function follow(badge: Badge): void {
    leave(badge);
    const { element } = badge;
    // Of a shadow root, which the document does not observe.
    looks.observe(element, LOOKS);
    const text = element.getAttribute(USER_ID);
    // The requests of a destroyed connector are rejected, and a watch reports an error.
    const isAvailable = isUserId(text ?? "1") && connector.state !== "closed";
    badge.content = isAvailable ? LOADING : createPlaceholder("unknown");
    if (text === null) {
      badge.timer = setTimeout(() => {
        badge.content = { ...badge.content, isOverdue: true };
        render(badge);
      }, MISSING_ID_DELAY_MS);
    } else if (isAvailable) {
      const userId = +text;
      const agent =
        agents.get(userId) ??
        createWatchedAgent(connector, userId, show, () => {
          if (!agent.badges.size) agents.delete(userId);
        });
      agents.set(userId, agent);
      agent.badges.add(badge);
      badge.agent = agent;
      settle(badge);
    }
    show(badge);
  }

  function leave(badge: Badge): void {
    clearTimeout(badge.timer);
    badge.agent?.badges.delete(badge);
    settle(badge);
    badge.agent = undefined;
  }

  function settle({ agent }: Badge): void {
    agent?.settle(agents.size < MAX_LINGERING);
  }

  function renderAll(): void {
    for (const [, badge] of badges) if (badge.isNear) render(badge);
  }

  const contentOf = ({ agent, content }: Badge): AgentContent => agent?.content ?? content;

  function render(badge: Badge): void {
    badge.view(contentOf(badge));
  }

  function show(badge: Badge): void {
    const content = contentOf(badge);
    // A new badge shows that already.
    if (content !== LOADING || badge.shown["state"]) render(badge);
    const { state, reason, stale, callable } = content;
    const before = Object.values(badge.shown).join();
    const shown = { state, reason, stale, callable };
    badge.shown = shown;
    writeAttributes(badge);
    // The first content of a badge is no change.
    if (before !== Object.values(shown).join() && (before || state !== "loading")) {
      badge.element.dispatchEvent(
        new CustomEvent<AvailabilityChange>("availability-change", {
          detail: { userId: badge.agent?.userId ?? null, ...shown },
          bubbles: true,
          composed: true,
        }),
      );
    }
  }

  return {
    renderAll,
    useConnector: restart,
    onConnected(element) {
      if (badges.has(element)) return;
      const view = views.get(element) ?? createView(element);
      const isFar = !!visibility && badges.size >= MAX_GUESSED;
      // A badge that the page has broken throws here, before it is one of these.
      view(LOADING, isFar);
      views.set(element, view);
      const badge: Badge = {
        element,
        view,
        content: LOADING,
        isNear: !isFar,
        shown: {},
      };
      badges.set(element, badge);
      visibility?.observe(element);
      if (unsubscribe) follow(badge);
      else restart();
    },
    onChanged(element, name) {
      const badge = badges.get(element);
      if (!badge) return;
      if (name === USER_ID) follow(badge);
      // A morph takes away, or sets back, what the server has not sent. In a microtask, because a morph may go on until no attribute is
      // left. Not after the badge's own changes: on a page with an altered `getAttribute` each would cause another one, without end.
      else if (!badge.isWriting) queueMicrotask(() => writeAttributes(badge));
    },
    onDisconnected(element) {
      // In a microtask, because a move is a removal and an insertion: a badge that is moved keeps what it shows.
      queueMicrotask(() => {
        const badge = badges.get(element);
        if (element.isConnected || !badge) return;
        badges.delete(element);
        visibility?.unobserve(element);
        badge.shown = {};
        leave(badge);
        if (!badges.size) restart();
      });
    },
  };
}

function writeAttributes(badge: Badge): void {
  badge.isWriting = true;
  for (const [name, value] of Object.entries(badge.shown)) setAttribute(badge.element, `data-${name}`, `${value}`);
  badge.isWriting = false;
}
