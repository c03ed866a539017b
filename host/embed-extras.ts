/** Entry of the file with what few badges need, which the badge's file loads with the first of these. */
import { BADGE } from "./badge/badge-element.ts";
import { createBadgeExtras } from "./badge/badge-extras.ts";
import type { BadgeLoader } from "./badge/load-badge.ts";

/** Languages with a file beside the script: each after a space, with the file's SHA-256 in 44 characters of base64. The build writes them. */
declare const LANGUAGE_FILES: string;

const element: BadgeLoader | undefined = customElements.get(BADGE);
element?.addExtras?.((loadFile, warn, renderAll) => {
  const extras = createBadgeExtras({
    readReplacements: (language) => window.availabilityBridgeTexts?.[language],
    load(language) {
      const hash = LANGUAGE_FILES.split(` ${language}`)[1]?.slice(0, 44) ?? "";
      loadFile(`embed-language-${language}-${hash.replace(/\W/g, "").slice(0, 8)}.js`, `sha256-${hash}`);
    },
    warn,
    renderAll,
  });
  element.addTexts = extras.add;
  return extras;
});
