import { afterEach, describe, expect, test, vi } from "vitest";
import { chooseLanguage, findLanguage, type LanguageElement } from "./language.ts";

afterEach(() => void vi.unstubAllGlobals());

/** Creates an element below an ancestor with `lang`, in a document or in the shadow root of `host`. */
function createElement(lang: string | null, host?: LanguageElement): LanguageElement {
  return {
    closest: () => (lang === null ? null : { getAttribute: () => lang }),
    getRootNode: () => (host ? { host } : {}),
  };
}

describe("chooseLanguage", () => {
  test.each([
    ["de", "de"],
    ["de-AT", "de"],
    ["PT-br", "pt"],
    ["de_CH", "de"],
    ["zh-Hant", "en"],
    ["", "en"],
    ["__proto__", "en"],
    [null, "en"],
    [undefined, "en"],
  ])("of %j is %s", (tag, language) => {
    expect(chooseLanguage(tag)).toBe(language);
  });

  test("takes the first tag that has texts", () => {
    expect(chooseLanguage("pl", "fr-CA", "de")).toBe("fr");
  });
});

describe("findLanguage", () => {
  test("is the nearest `lang`, whatever the browser's language is", () => {
    vi.stubGlobal("navigator", { language: "fr" });
    expect(findLanguage(createElement("ja"))).toBe("ja");
  });

  test("looks outside of shadow roots, up to the first `lang`", () => {
    vi.stubGlobal("navigator", { language: "fr" });
    const outer = createElement("nl");
    expect(findLanguage(createElement(null, createElement(null, outer)))).toBe("nl");
    expect(findLanguage(createElement("it", outer))).toBe("it");
  });

  test("is the browser's without a `lang`, or with one that has no texts", () => {
    vi.stubGlobal("navigator", { language: "es-MX" });
    expect(findLanguage(createElement(null))).toBe("es");
    expect(findLanguage(createElement("pl"))).toBe("es");
  });
});
