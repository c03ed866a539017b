/** Loads the texts of one language: the build makes a file of each. */
import type { Language } from "../../../shared/languages/language.ts";
import { en } from "./en.ts";
import type { PanelTexts } from "./panel-texts.ts";

const LOADERS: Readonly<Record<Language, () => Promise<PanelTexts>>> = {
  // A part of the panel's file.
  en: () => Promise.resolve(en),
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
export function loadPanelTexts(language: Language): Promise<PanelTexts> {
  return LOADERS[language]();
}
