/** The texts that a badge shows, and the place that they need. */
import type { Texts } from "../../shared/languages/texts.ts";

/** Texts for a badge. */
export interface FoundTexts {
  /** @default "en" */
  readonly language?: string;
  /** Absent while the texts are loaded. A missing text is read from its key. */
  readonly texts?: Partial<Texts>;
  /** Texts of a pill that may be the widest, one on each line; absent for the English ones, for which the style sheet has a place, also while texts are loaded. */
  readonly widest?: string | undefined;
}

/** The English texts that are not read from their keys: the others need no bytes. */
const ENGLISH: Partial<Texts> = {
  in_traning: "In training",
  session_over: "Session ended",
};

/** True for an agent's id as a page writes it. `Number` alone would accept `0x7B` and `1e2`, and rounds greater ones. */
export function isUserId(text: string): boolean {
  return /^[1-9]\d*$/.test(text) && +text < 2 ** 53;
}

/** Creates the English texts, of which the page may replace some. */
export function createEnglish(replacements: Partial<Texts> | undefined): FoundTexts {
  const texts = { ...ENGLISH, ...replacements };
  const available = `${readText(texts, "available")} 59m ago`;
  // The last one is wider than all other English texts.
  const all = { ...replacements, available, stale: "Available 59m ago" };
  return { texts, widest: replacements && Object.values(all).join("\n") };
}

/** Lists texts that may be the widest, and the most frequent one with an age: all pills are as wide as the widest of them. */
export function listWidest(longest: readonly string[], texts: Partial<Texts>, age: string): string {
  return [...longest, `${readText(texts, "available")} ${age}`].join("\n");
}

/** Reads a text, or writes its key as one: `out_to_sea` is `Out to sea`. So it is with a status that this release does not know. */
export function readText(texts: Readonly<Record<string, string>>, key: string): string {
  return texts[key] ?? key.replace(/^./, (letter) => letter.toUpperCase()).replace(/_/g, " ");
}
