/** Entry of the badge's file, which the script tag loads with the first badge: passes the badge's code to the script. */

import type { Texts } from "../shared/languages/texts.ts";
import { BADGE } from "./badge/badge-element.ts";
import type { BadgeExtras } from "./badge/badge-extras.ts";
import { createEnglish } from "./badge/badge-texts.ts";
import { createBadgeView, type ReadExtras } from "./badge/badge-view.ts";
import { createBadges } from "./badge/badges.ts";
import type { BadgeLoader } from "./badge/load-badge.ts";

/** Name and integrity of the file with the extras, which the build writes. The file lies beside the script. */
declare const EXTRAS_FILE: string;
declare const EXTRAS_INTEGRITY: string;

declare global {
  interface Window {
    /** Texts of the page by language, which replace those of the badge. Read when the language is loaded. */
    availabilityBridgeTexts?: Readonly<Record<string, Partial<Texts>>>;
  }
}

const element: BadgeLoader | undefined = customElements.get(BADGE);
element?.showBadges?.((connector, loadFile, warn) => {
  const english = createEnglish(window.availabilityBridgeTexts?.["en"]);
  let isLoading = false;
  let extras: BadgeExtras | undefined;
  const readExtras: ReadExtras = (isNeeded) => {
    if (isNeeded && !isLoading) {
      isLoading = true;
      loadFile(EXTRAS_FILE, EXTRAS_INTEGRITY);
    }
    return extras;
  };
  const badges = createBadges(connector, (badge) => createBadgeView(badge, english, readExtras));
  element.addExtras = (create) => {
    extras = create(loadFile, warn, badges.renderAll);
    badges.renderAll();
  };
  return badges;
});
