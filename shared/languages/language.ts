/** Language of what the badge and the widget show. */

/** Languages with texts. English, the first one, stands in for all others. */
export const LANGUAGES = ["en", "fr", "de", "es", "pt", "it", "nl", "ja", "ar"] as const;

export type Language = (typeof LANGUAGES)[number];

/** The part of an element that shows in which language its text is. */
export interface LanguageElement {
  closest(selector: string): { getAttribute(name: string): string | null } | null;
  getRootNode(): object;
}

/** Chooses the first language that has texts, by BCP 47 tags such as `de-AT`. Without one the language is English. */
export function chooseLanguage(...tags: readonly (string | null | undefined)[]): Language {
  for (const tag of tags) {
    // Some pages write `de_AT`.
    const [language] = `${tag}`.toLowerCase().split(/[-_]/);
    const known = LANGUAGES.find((each) => each === language);
    if (known) return known;
  }
  return LANGUAGES[0];
}

/** Reads `lang` of the nearest ancestor, also outside of an element's shadow roots, or otherwise the browser's language. */
export function readLanguageTag(element: LanguageElement): string {
  let tag: string | null | undefined;
  for (let node: LanguageElement | undefined = element; node && tag === undefined; ) {
    tag = node.closest("[lang]")?.getAttribute("lang");
    // A document has no host.
    node = (node.getRootNode() as { readonly host?: LanguageElement }).host;
  }
  return tag ?? navigator.language ?? "";
}

/** Finds an element's language: by `lang` of the nearest ancestor, then by the browser's. */
export function findLanguage(element: LanguageElement): Language {
  return chooseLanguage(readLanguageTag(element), navigator.language);
}
