/** The panel's colours, in the page's theme. */
import { mendContrast } from "./contrast.ts";
import type { PageLook } from "./page-look.ts";

/** Backgrounds of both themes, as the style sheet has them: of the panel, and of the selected row. */
const BACKGROUNDS = { light: "#edf0f4", dark: "#293039" } as const;

/**
 * Applies the page's theme and brand colour. A colour that cannot be read on the theme's backgrounds becomes darker or lighter. By CSSOM,
 * which the widget's policy allows.
 */
export function applyTheme(root: HTMLElement, { theme, accent }: Pick<PageLook, "theme" | "accent">): void {
  root.dataset["theme"] = theme;
  if (accent) {
    for (const [name, background] of Object.entries(BACKGROUNDS)) {
      root.style.setProperty(`--accent-${name}`, mendContrast(accent, background));
    }
  } else for (const name of Object.keys(BACKGROUNDS)) root.style.removeProperty(`--accent-${name}`);
}
