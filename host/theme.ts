/** The page's theme for the widget, as `connect` and the script tag get it. */

/** A theme, a brand colour, or both. */
const THEME = /^\s*(light|dark|auto)?\s*(\B#([\da-f]{3}){1,2}\s*)?$/i;

/** Describes what is wrong with a theme, or returns `undefined`. A caller without types may pass anything. */
export function findThemeFault(theme = ""): string | undefined {
  if (THEME.test(theme)) return undefined;
  return `theme: expected light, dark or auto, then a color such as #7a1fa2 or none, not ${JSON.stringify(theme)}`;
}
