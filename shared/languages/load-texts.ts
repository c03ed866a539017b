/** Loads the texts of one language: a bundler makes a file of each. */
import type { Language } from "./language.ts";
import type { Texts } from "./texts.ts";

const LOADERS: Readonly<Record<Language, () => Promise<Texts>>> = {
  en: async () => (await import("./en.ts")).en,
  fr: async () => (await import("./fr.ts")).fr,
  de: async () => (await import("./de.ts")).de,
  es: async () => (await import("./es.ts")).es,
  pt: async () => (await import("./pt.ts")).pt,
  it: async () => (await import("./it.ts")).it,
  nl: async () => (await import("./nl.ts")).nl,
  ja: async () => (await import("./ja.ts")).ja,
  ar: async () => (await import("./ar.ts")).ar,
};

/** Loads a language's texts. Rejects if the file cannot be loaded. */
export function loadTexts(language: Language): Promise<Texts> {
  return LOADERS[language]();
}
