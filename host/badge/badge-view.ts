/** The elements of one badge, in its shadow root. */
import { readLanguageTag } from "../../shared/languages/language.ts";
import { USUAL_MARKS } from "../../shared/looks/usual-marks.ts";
import type { AgentContent } from "./agent-content.ts";
// Imported as text: a constructed style sheet needs no exception in the page's content security policy.
import css from "./badge.css?inline";
import type { BadgeExtras } from "./badge-extras.ts";
import { createElement, setAttribute } from "./badge-parts.ts";
import { type FoundTexts, readText } from "./badge-texts.ts";

/**
 * Shows a content. While it is loading, the content of the page's markup shows beside the mark.
 *
 * @param isPlace true to show the place of the badge alone, unless it has shown more.
 */
export type RenderBadge = (content: AgentContent, isPlace?: boolean) => void;

/**
 * Reads the extras.
 *
 * @param isNeeded true to load the extras if they are not here.
 */
export type ReadExtras = (isNeeded: boolean | undefined) => BadgeExtras | undefined;

/** Styles of all badges, as text and as a sheet. Without `light-dark()` and sheets for shadow roots the badges have those of the extras alone. */
const styles: { readonly css: string; sheet?: CSSStyleSheet | undefined } = { css };

/** Creates the view of a badge. Its shadow root comes with what it shows first: until then the content of the page's markup shows. */
export function createBadgeView(element: HTMLElement, english: FoundTexts, readExtras: ReadExtras): RenderBadge {
  let box: Element | undefined;
  let parts: ReturnType<typeof createParts> | undefined;
  let states: CustomStateSet | undefined;
  return (content, isPlace) => {
    const { state, stale, reason, text } = content;
    const variant = element.getAttribute("variant");
    const isFull = variant === "full";
    const isDot = variant === "dot";
    const isLive = element.hasAttribute("announce");
    const isEnglish = /^en\b/i.test(readLanguageTag(element));
    try {
      if (!styles.sheet && CSS.supports("color:light-dark(red,red)")) {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync(styles.css);
        // Not before: on a page that has replaced the constructor the sheet may be something else.
        styles.sheet = sheet;
      }
    } catch {
      // Test environments have neither.
    }
    // As a pill, or without styles, it would have another size.
    const hasOtherSize = isFull || !styles.sheet;
    const extras = readExtras(
      hasOtherSize || isLive || !isEnglish || stale || content.isOverdue || !USUAL_MARKS[state],
    );
    if (hasOtherSize && !extras) return;
    box ??= createPlace(element);
    const found = extras ? extras.find(element) : english;
    const texts = (extras || isEnglish) && found.texts;
    const isLoading = !texts || state === "loading";
    const sentence = texts ? readText(texts, reason && reason !== "other" && !isFull ? reason : text) : "";
    const shown = isLoading ? "" : sentence;
    let whole = sentence;
    // Another variant has another size.
    if (!isPlace || parts || variant) {
      parts ??= createParts(box);
      const [mark, shape, label] = parts;
      whole = extras?.render(element, content, found, shown, styles.css) || sentence;
      const look = isLoading ? "loading" : state;
      setAttribute(mark, "class", look);
      setAttribute(shape, "d", (extras ? extras.marks : USUAL_MARKS)[look]);
      // A slot of a name that no element of the page has shows its own text, and without a name that of the page.
      setAttribute(label, "name", shown ? "label" : undefined);
      if (label.textContent !== shown) label.textContent = shown;
    }
    setAttribute(box, "class", `box ${variant} ${stale && "stale"}`);
    setAttribute(box, "data-w", found.widest || english.widest);
    setAttribute(box, "title", isDot || whole !== sentence ? whole : undefined);
    // A picture's words are no live region. While the badge loads, it has no words of its own.
    const picture = (!isLive && (isDot || isLoading) && whole) || undefined;
    setAttribute(box, "role", picture && "img");
    setAttribute(box, "aria-label", picture);
    try {
      for (const name of ["callable", "stale"] as const) {
        states ??= element.attachInternals().states;
        states[content[name] ? "add" : "delete"](name);
      }
    } catch {
      // An older browser, of which some have another selector; or the page has taken the internals. The attributes say the same.
    }
  };
}

/** Creates the element in the shadow root that has the size of the badge. */
function createPlace(element: HTMLElement): Element {
  const root = element.shadowRoot ?? element.attachShadow({ mode: "open" });
  if (styles.sheet) root.adoptedStyleSheets = [styles.sheet];
  const box = document.createElement("span");
  root.append(box);
  return box;
}

/** The elements of no badge, for each badge to copy: that takes less than half of the time. */
let emptyLine: Element | undefined;

/** Creates the elements in the place of a badge, and returns those that change. */
function createParts(box: Element): readonly [Element, Element, Element] {
  emptyLine ??= createElement(
    "span",
    { class: "line" },
    createElement(
      "svg",
      // The size is for a page whose policy refuses the style sheet.
      { part: "mark", "aria-hidden": "true", viewBox: "0 0 16 16", width: "1em", height: "1em" },
      createElement("path", { "fill-rule": "evenodd", fill: "currentColor" }),
    ),
    createElement("slot", { part: "label" }),
  );
  const line = emptyLine.cloneNode(true) as Element;
  const mark = line.firstChild as Element;
  box.append(line);
  return [mark, mark.firstChild as Element, mark.nextSibling as Element];
}
