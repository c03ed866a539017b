/** The age of a status that may be outdated, in words. */

/** Units from the longest on, each with its length in seconds. */
const UNITS = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
  ["second", 1],
] as const;

/**
 * Formats a time that has passed, such as `5m ago` or `vor 5 m`.
 *
 * @param ageMs milliseconds; less than none is none, because a clock may be set back.
 * @param style `narrow` for a place of little width, `long` for a text that is read out.
 */
export function formatAge(ageMs: number, language: string, style: "narrow" | "long"): string {
  const seconds = Math.max(0, ageMs / 1_000);
  const [unit, length] = UNITS.find(([, each]) => seconds >= each) ?? UNITS[3];
  return new Intl.RelativeTimeFormat(language, { style }).format(-Math.floor(seconds / length), unit);
}
