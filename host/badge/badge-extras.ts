/**
 * What few badges need: languages other than English, the variant `full`, the age of what may be outdated, the ring of the wrap-up time, and
 * announcements. The script tag loads it with the first badge that needs it.
 */
import { en } from "../../shared/languages/en.ts";
import { formatAge } from "../../shared/languages/format-age.ts";
import { findLanguage, type Language } from "../../shared/languages/language.ts";
import type { Texts } from "../../shared/languages/texts.ts";
import { MARKS, WRAP_UP_RING } from "../../shared/looks/marks.ts";
import { USUAL_MARKS } from "../../shared/looks/usual-marks.ts";
import type { AgentContent } from "./agent-content.ts";
import { BADGE, USER_ID } from "./badge-element.ts";
import extraCss from "./badge-extras.css?inline";
import { createElement, createSheet, setAttribute, setText } from "./badge-parts.ts";
import { type FoundTexts, isUserId, listWidest, readText } from "./badge-texts.ts";

export interface BadgeExtras {
  readonly marks: typeof MARKS;
  /** Finds the texts for an element by its language. Without texts in that language they are English. */
  find(element: Element): FoundTexts;
  /**
   * Shows the rest of a content, and returns what the badge says as one sentence.
   *
   * @param words the badge's label; empty while the badge is loading.
   * @param css styles of the badge.
   */
  render(element: HTMLElement, content: AgentContent, found: FoundTexts, words: string, css: string): string;
  /** Adds the texts of a language. */
  add(language: string, texts: Texts): void;
}

export interface BadgeExtrasOptions {
  /** Reads texts of the page, which replace those of the language. */
  readonly readReplacements: (language: string) => Partial<Texts> | undefined;
  /** Texts that the page has loaded itself, beside the English ones. */
  readonly languages?: Partial<Readonly<Record<Language, Texts>>> | undefined;
  /** Begins to load the texts of a language, which `add` receives. */
  readonly load?: ((language: string) => void) | undefined;
  /** Writes a fault to the page's console, once. */
  readonly warn: (fault: string) => void;
  /** Renders all badges near the screen: texts were added, or ages are old. */
  readonly renderAll: () => void;
}

/** Number of texts, from the first one on, that a pill can show. */
const PILL_TEXTS = 18;

/** Delay before the ages of outdated availabilities are written again, in milliseconds. */
const AGE_INTERVAL_MS = 10_000;

/** The elements of one badge that change here. */
interface ExtraParts {
  readonly mark: Element;
  readonly label: Element;
  readonly reason: Element;
  readonly age: Element;
  ring?: Element | undefined;
}

/** Creates the extras with the English texts, and those of the page. */
export function createBadgeExtras({
  readReplacements,
  languages,
  load,
  warn,
  renderAll,
}: BadgeExtrasOptions): BadgeExtras {
  const known: Record<string, FoundTexts | undefined> = {};
  const extraParts = new WeakMap<HTMLElement, ExtraParts>();
  let ageTimer: ReturnType<typeof setInterval> | undefined;
  /** True from the first outdated availability on that is rendered. */
  let hasStale = false;
  const english = add("en", en);
  for (const [language, texts] of Object.entries({ ...languages })) add(language, texts);

  function add(language: string, own: Texts): FoundTexts {
    const texts = { ...own, ...readReplacements(language) };
    // Letters differ in width: the two texts that have the most of them. Each line costs time.
    const longest = Object.values(texts)
      .slice(0, PILL_TEXTS)
      .sort((a, b) => b.length - a.length)
      .slice(0, 2);
    // Not in English: the badge knows, and a browser takes long to create a format.
    const widest = own === en ? undefined : listWidest(longest, texts, formatAge(3_540_000, language, "narrow"));
    const found = { language, texts, widest };
    known[language] = found;
    renderAll();
    return found;
  }

  /** Adds elements and styles to those of the badge. */
  function createParts(element: HTMLElement, css: string): ExtraParts {
    const root = element.shadowRoot;
    // Not by `querySelector`, which a page may have altered.
    const box = root?.firstElementChild;
    const line = box?.firstElementChild;
    const [mark, label] = [line?.firstElementChild, line?.lastElementChild];
    if (!root || !box || !line || !mark || !label) throw new TypeError("expected the badge's elements");
    const parts = {
      mark,
      label,
      reason: createElement("span", { part: "reason" }),
      age: createElement("span", { part: "age" }),
    };
    line.append(parts.reason, parts.age);
    // Moves the line below the name.
    box.append(createElement("slot", { name: "name" }), line);
    addStyles(root, css);
    extraParts.set(element, parts);
    return parts;
  }

  function renderAges(): void {
    hasStale = false;
    renderAll();
    if (hasStale) return;
    clearInterval(ageTimer);
    ageTimer = undefined;
  }

  return {
    marks: MARKS,
    add,
    find(element) {
      const language = findLanguage(element);
      if (load && !known[language]) {
        known[language] = { language };
        load(language);
      }
      return known[language] ?? english;
    },
    render(element, content, { texts = {}, language = "en" }, words, css) {
      const { state, isOverdue, stale, since, reason: cause, wrapUp } = content;
      const userId = element.getAttribute(USER_ID);
      if (state === "unknown" && userId !== null && !isUserId(userId)) {
        warn(`user-id: expected a whole number from 1, not ${JSON.stringify(userId)}`);
      }
      if (isOverdue) {
        warn(`user-id: expected on each <${BADGE}>, and one has only ${element.getAttributeNames().join(", ")}`);
      }
      const isFull = element.getAttribute("variant") === "full";
      const isLive = element.hasAttribute("announce");
      // A plain badge stays as small as it is: a page may have thousands.
      const isPlain =
        !isFull && !isLive && !stale && state in USUAL_MARKS && element.shadowRoot?.adoptedStyleSheets?.length;
      const parts = extraParts.get(element) ?? (isPlain ? undefined : createParts(element, css));
      if (!parts) return words;
      const { mark, label, reason, age } = parts;
      const writeAge = (style: "narrow" | "long"): string =>
        words && stale && since ? formatAge(Date.now() - since, language, style) : "";
      const longAge = writeAge("long");
      if (stale) {
        hasStale = true;
        ageTimer ??= setInterval(renderAges, AGE_INTERVAL_MS);
      }
      parts.ring?.remove();
      parts.ring = words && wrapUp ? drawRing(mark, wrapUp) : undefined;
      setText(reason, words && isFull && cause ? readText(texts, cause) : "");
      setText(age, writeAge("narrow"));
      // The age is outside of the live region: a screen reader would read out each step.
      for (const part of [label, reason]) {
        setAttribute(part, "aria-live", isLive ? "polite" : undefined);
      }
      return longAge ? `${words}, ${readText(texts, "stale").replace("{age}", longAge)}` : words;
    },
  };
}

/** Styles of all badges that have the extras; absent in a browser without style sheets for shadow roots. */
let sheet: CSSStyleSheet | undefined;

/** Adds the styles of the extras, and those of the badge if it has none: older browsers get an element, which a strict policy of the page may refuse. */
function addStyles(root: ShadowRoot, css: string): void {
  const adopted = root.adoptedStyleSheets ?? [];
  // The system's theme does not say what theme the page has: without `light-dark()` colours are those of a light page.
  const rules = adopted.length ? extraCss : (css + extraCss).replace(/light-dark\((.+?),.+?\)/g, "$1");
  sheet ??= createSheet(rules);
  // A sheet is for one document, and the page may have moved the badge into a window of its own.
  if (sheet && root.ownerDocument === document) root.adoptedStyleSheets = [...adopted, sheet];
  else {
    const style = document.createElement("style");
    root.append(style);
    // As one rule, which is no text of the badge.
    style.sheet?.insertRule(`@media all{${rules}}`);
  }
}

/** Draws what remains of the wrap-up time, which then runs down unless people want no motion. */
function drawRing(mark: Element, { seconds = 0, endsAt }: Exclude<AgentContent["wrapUp"], false | undefined>): Element {
  const duration = Math.max(0, endsAt - performance.now());
  const gone = 1 - duration / Math.max(seconds * 1_000, duration, 1);
  const ring = createElement("path", {
    part: "ring",
    d: WRAP_UP_RING,
    pathLength: "1",
    fill: "none",
    stroke: "currentColor",
    "stroke-width": "2.5",
    "stroke-dasharray": "1",
    "stroke-dashoffset": `${gone}`,
  });
  mark.append(ring);
  if (!matchMedia("(prefers-reduced-motion:reduce)").matches) {
    // Each step is work for the browser: four in a second are smooth enough.
    const easing = `steps(${Math.ceil(duration / 250)})`;
    ring.animate({ strokeDashoffset: [gone, 1] }, { duration, easing, fill: "forwards" });
  }
  return ring;
}
