/** A badge before and after its extras come, over extras that the test gives. */
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { de } from "../../shared/languages/de.ts";
import { en } from "../../shared/languages/en.ts";
import { MARKS } from "../../shared/looks/marks.ts";
import { type AgentContent, createPlaceholder } from "./agent-content.ts";
import { type BadgeExtras, createBadgeExtras } from "./badge-extras.ts";
import { createEnglish } from "./badge-texts.ts";
import { createBadgeView } from "./badge-view.ts";

document.documentElement.lang = "en";

afterEach(() => document.body.replaceChildren());

const AVAILABLE: AgentContent = { ...createPlaceholder("available"), callable: true };

const STALE: AgentContent = { ...AVAILABLE, callable: false, stale: true };

/** A view over extras that the test can give later, and the number of times that the view has needed them. */
function createView(attributes: Readonly<Record<string, string>> = {}) {
  const element = document.body.appendChild(document.createElement("div"));
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.textContent = "Anna";
  let extras: BadgeExtras | undefined;
  const view = {
    needed: 0,
    element,
    part: (name: string) => element.shadowRoot?.querySelector(`[part=${name}]`),
    size: () => [element.getBoundingClientRect().width, element.getBoundingClientRect().height],
    give(renderAll = (): void => {}) {
      extras = createBadgeExtras({ readReplacements: () => undefined, languages: { de }, warn() {}, renderAll });
    },
    render: createBadgeView(element, createEnglish(undefined), (isNeeded) => {
      if (isNeeded) view.needed += 1;
      return extras;
    }),
  };
  return view;
}

describe("a badge without the extras", () => {
  test.each(["available", "in_call", "do_not_disturb", "offline", "loading"] as const)(
    "shows %s as a dot and as a pill, and needs none",
    (state) => {
      for (const variant of ["dot", "pill"]) {
        const view = createView({ variant });
        view.render(createPlaceholder(state));
        expect(view.element.shadowRoot?.querySelector("path")?.getAttribute("d")).toBe(MARKS[state]);
        expect(view.needed).toBe(0);
      }
    },
  );

  test.each([
    ["a variant of another size", { variant: "full" }, AVAILABLE],
    ["another language", { lang: "de" }, AVAILABLE],
    ["announcements", { announce: "" }, AVAILABLE],
    ["an age", {}, STALE],
    ["a mobile phone", {}, createPlaceholder("on_mobile")],
    ["a rare mark", {}, createPlaceholder("removed")],
    ["a missing user id", {}, { ...createPlaceholder("loading"), isOverdue: true }],
  ] as const)("needs them for %s", (_what, attributes, content) => {
    const view = createView(attributes);
    view.render(content);
    expect(view.needed).toBe(1);
  });

  test("of the variant full has the text of the page's markup, as before the badge's file", () => {
    const view = createView({ variant: "full" });
    view.render(AVAILABLE);
    expect(view.element.shadowRoot).toBeNull();
    view.give();
    view.render(AVAILABLE);
    expect(view.part("label")?.textContent).toBe("Available");
  });

  test("is grey and says what it was while they cannot be loaded, and is as large as with its age", () => {
    const view = createView();
    view.render(AVAILABLE);
    const before = view.size();
    view.render(STALE);
    expect(view.part("label")?.textContent).toBe("Available");
    const color = getComputedStyle(view.part("label") ?? document.body).color;
    expect(color).toBe(getComputedStyle(view.part("mark") ?? document.body).color);
    expect(view.size()).toEqual(before);
    view.give();
    view.render({ ...STALE, since: Date.now() - 59 * 60_000 });
    expect(view.part("age")?.textContent).toBe("59m ago");
    expect(view.size()).toEqual(before);
  });

  test("looks as loading does until they have its language", () => {
    const view = createView({ lang: "de" });
    view.render(AVAILABLE);
    expect(view.part("label")?.textContent).toBe("");
    expect(view.part("mark")?.getAttribute("class")).toBe("loading");
    view.give();
    view.render(AVAILABLE);
    expect(view.part("label")?.textContent).toBe("Verfügbar");
  });
});

test.each(["sans-serif", "serif", "monospace", "system-ui", "cursive"])(
  "a pill has room for each English text in the font %s, and is as wide without one",
  (font) => {
    const view = createView();
    view.element.style.fontFamily = font;
    view.render(createPlaceholder("loading"), true);
    const [width] = view.size();
    view.give();
    const others = ["stale", "callable", "not_callable", "other"];
    for (const [key, text] of Object.entries(en).filter(([each]) => !others.includes(each))) {
      view.render({ ...AVAILABLE, text: key });
      expect(view.part("label")?.textContent).toBe(text);
      const line = view.part("label")?.parentElement;
      expect(line?.scrollWidth).toBe(line?.clientWidth);
      expect(view.size()[0]).toBe(width);
    }
  },
);

test("says how old a stale availability is, grows older, and stops when none is stale", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const view = createView();
  let content: AgentContent = { ...STALE, since: Date.now() - 50_000 };
  view.give(() => view.render(content));
  view.render(content);
  const age = () => view.part("age")?.textContent;
  expect([view.part("label")?.textContent, age()]).toEqual(["Available", "50s ago"]);
  vi.advanceTimersByTime(10_000);
  expect(age()).toBe("1m ago");
  content = AVAILABLE;
  view.render(content);
  expect(age()).toBe("");
  vi.advanceTimersByTime(10_000);
  expect(vi.getTimerCount()).toBe(0);
});
