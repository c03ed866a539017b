/** Colours of the states, for light and dark pages. */
import type { ShownState } from "../languages/texts.ts";

/** Name of a colour: `--availability-NAME` is the custom property by which a page replaces it. */
export type ColorName =
  | "available"
  | "busy"
  | "in-call"
  | "away"
  | "offline"
  | "unknown"
  | "text"
  | "quiet"
  | "surface";

/**
 * Light and dark default of each colour. Marks have a contrast of at least 4.5 to the surface and to a white or black page, and so have
 * `text`, and `quiet` for what is outdated or of second rank.
 */
export const COLORS: Readonly<Record<ColorName, readonly [light: string, dark: string]>> = {
  available: ["#11713a", "#5fd892"],
  busy: ["#b3261e", "#ff9188"],
  "in-call": ["#5b3fc4", "#b9a8ff"],
  away: ["#855600", "#f2c14e"],
  offline: ["#58626f", "#a9b4c2"],
  unknown: ["#58626f", "#a9b4c2"],
  text: ["#1c2330", "#f2f5f9"],
  quiet: ["#58626f", "#a9b4c2"],
  surface: ["#edf0f4", "#293039"],
};

/** Colour of each state's mark. */
export const STATE_COLORS: Readonly<Record<ShownState, ColorName>> = {
  available: "available",
  wrapping_up: "away",
  in_call: "in-call",
  do_not_disturb: "busy",
  on_mobile: "away",
  offline: "offline",
  unknown: "unknown",
  not_allowed: "unknown",
  removed: "unknown",
  error: "unknown",
  loading: "offline",
};

/**
 * Writes the colours as declarations of `--NAME`, each of which is the page's `--availability-NAME`, or the default for the element's
 * `color-scheme`. A browser without `light-dark()` has the light default alone: the system's theme does not say what theme the page has.
 *
 * @param selector of the elements that use the colours.
 */
export function writeColorRules(selector: string): string {
  const write = (toValue: (light: string, dark: string) => string): string =>
    `${selector}{${Object.entries(COLORS)
      .map(([name, [light, dark]]) => `--${name}:var(--availability-${name},${toValue(light, dark)})`)
      .join(";")}}`;
  return `${write((light) => light)}@supports (color:light-dark(red,red)){${write((light, dark) => `light-dark(${light},${dark})`)}}`;
}
