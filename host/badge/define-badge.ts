/** `<availability-badge user-id="123">`: shows an agent's availability as a mark and a text, and follows each change. */
import type { Language } from "../../shared/languages/language.ts";
import type { Texts } from "../../shared/languages/texts.ts";
import { warnOnce } from "../warn.ts";
import { type BadgeConnector, defineBadgeElement, isDefinedByOthers } from "./badge-element.ts";
import { createBadgeExtras } from "./badge-extras.ts";
import { createEnglish } from "./badge-texts.ts";
import { createBadgeView } from "./badge-view.ts";
import { type Badges, createBadges } from "./badges.ts";

/** Options of `defineAvailabilityBadge`. */
export interface BadgeOptions {
  /** Texts of the page, which replace those of each language. */
  readonly texts?: Partial<Texts> | undefined;
  /** Languages beside English, such as `{ de }` with `de` of `availability-bridge/languages/de`. */
  readonly languages?: Partial<Readonly<Record<Language, Texts>>> | undefined;
}

/** The badges of this copy of the package. */
let definedBadges: Badges | undefined;

/** The connector of all badges: the newest. */
let activeConnector: BadgeConnector | undefined;

/**
 * Defines `<availability-badge user-id="123">` for the whole page, including badges already in the page. A later call, such as
 * after the page has connected again, moves all badges to the newest connector; the texts are those of the first call. Does nothing outside a browser. If a second
 * copy of the package, or the script tag, has defined the name, the console says so, and the badges stay as they are.
 *
 * A badge has an open shadow root, so that a framework that hydrates the page finds no foreign children. The content
 * from the page's markup shows while the badge loads. A badge is a live region only with the attribute `announce`: a screen reader would read out hundreds of changes. Attributes for the
 * page's styles are `data-state` (a state of `readAvailability`, `wrapping_up`, `loading`, `unknown`, `not_allowed`, `removed` or
 * `error`), `data-reason`, `data-stale` (`true` if the availability may be outdated), and `data-callable` (`true` only if the agent
 * can be called now, and never while `data-stale` is `true`). The badge is `unknown` if there is no such agent, while the session
 * has ended, after the connector was destroyed, and with an invalid `user-id`. The console has a warning per invalid id, and a
 * warning for a badge without `user-id`.
 *
 * Only agents with a badge on the screen or near it are watched, and for 30 s after that. The first 100 badges of a page are watched at once, as if they were near. A badge out of sight whose watch has ended is stale.
 */
export function defineAvailabilityBadge(connector: BadgeConnector, { texts, languages }: BadgeOptions = {}): void {
  if (typeof customElements === "undefined" || connector === activeConnector) return;
  if (!definedBadges && isDefinedByOthers()) return;
  activeConnector = connector;
  if (definedBadges) definedBadges.useConnector(connector);
  else {
    const extras = createBadgeExtras({
      readReplacements: () => texts,
      languages,
      warn: warnOnce,
      renderAll: () => definedBadges?.renderAll(),
    });
    const english = createEnglish(texts);
    definedBadges = createBadges(connector, (element) => createBadgeView(element, english, () => extras));
    defineBadgeElement(definedBadges);
  }
}
