/** The panel's language, with texts that load once. English is part of the panel's file, and shows until the texts of the page's language have come. */
import { chooseLanguage, type Language } from "../../shared/languages/language.ts";
import { en } from "./texts/en.ts";
import { loadPanelTexts } from "./texts/load-panel-texts.ts";
import type { PanelTexts } from "./texts/panel-texts.ts";

export interface PanelLanguage {
  /** Returns the latest loaded texts, and the BCP 47 tag. */
  current(): { readonly texts: PanelTexts; readonly tag: string };
  /** Uses the page's language, or the browser's for `undefined`. */
  use(tag: string | undefined): void;
}

/** Starts in English. `onChange` is called when texts have come. */
export function createLanguage(onChange: () => void): PanelLanguage {
  let wanted: Language = "en";
  let shown: Language = "en";
  let texts: PanelTexts = en;

  function use(tag: string | undefined): void {
    const language = chooseLanguage(tag, navigator.language);
    if (language === wanted) return;
    wanted = language;
    loadPanelTexts(language).then((loaded) => {
      // Another language may have been asked for meanwhile.
      if (wanted !== language) return;
      texts = loaded;
      shown = language;
      onChange();
    }, reportError);
  }

  return { use, current: () => ({ texts, tag: shown }) };
}
