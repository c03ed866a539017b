/** The badges of a page with what the screen shows: looks, words for screen readers, and who is watched. */
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { ar } from "../../shared/languages/ar.ts";
import { de } from "../../shared/languages/de.ts";
import { MARKS } from "../../shared/looks/marks.ts";
import type { WatchStatus } from "../connector.ts";
import type { WatchedAvailability } from "../event-types.ts";
import type { AvailabilityChange } from "./badge-element.ts";
import { defineAvailabilityBadge } from "./define-badge.ts";

interface Watch {
  readonly userId: number;
  readonly listener: (availability: WatchedAvailability) => void;
  readonly onStatus: (status: WatchStatus) => void;
}

/** Active watches. */
const watches = new Set<Watch>();

/** All watches so far. */
let begun = 0;

document.documentElement.lang = "en";
defineAvailabilityBadge(
  {
    state: "ready",
    onStateChange: () => () => {},
    watch(userIds, listener, { onStatus = () => {} } = {}) {
      const watch = { userId: Number(userIds), listener, onStatus };
      watches.add(watch);
      begun += 1;
      return () => watches.delete(watch);
    },
  },
  { languages: { de, ar }, texts: { error: "!" } },
);

afterEach(() => document.body.replaceChildren());

const watched = (): readonly number[] => [...watches].map(({ userId }) => userId);

function mount(attributes: Readonly<Record<string, string>> = {}, parent: Node = document.body) {
  const badge = document.createElement("availability-badge");
  for (const [name, value] of Object.entries({ "user-id": "1", ...attributes })) badge.setAttribute(name, value);
  parent.appendChild(badge);
  return badge;
}

/** Waits until the browser has said that the badge is on the screen, which it does with a frame. */
async function whenWatched(userId = 1): Promise<void> {
  await vi.waitFor(() => expect(watched()).toContain(userId));
}

function tell(news: Partial<WatchedAvailability> = {}, status: Partial<WatchStatus> = {}): void {
  const { userId = 1 } = news;
  for (const watch of [...watches].filter((each) => each.userId === userId)) {
    watch.listener({ userId, status: "available", version: 1, ...news });
    watch.onStatus({ userId, status: "live", ...status });
  }
}

const inside = (badge: HTMLElement, selector: string): HTMLElement => {
  const found = badge.shadowRoot?.querySelector<HTMLElement>(selector);
  if (!found) throw new Error(`expected ${selector}`);
  return found;
};

const textOf = (badge: HTMLElement, part: string): string => inside(badge, `[part=${part}]`).textContent ?? "";

const sizeOf = (badge: HTMLElement): readonly number[] => {
  const { width, height } = badge.getBoundingClientRect();
  return [width, height];
};

describe("looks", () => {
  test.each([
    ["available", "available", "Available"],
    ["in_call", "in_call", "In call"],
    ["out_for_lunch", "do_not_disturb", "Out for lunch"],
    ["on_the_moon", "unknown", "On the moon"],
  ] as const)("shows %s as the mark of %s and as %s", async (status, mark, text) => {
    const badge = mount();
    await whenWatched();
    tell({ status });
    expect(inside(badge, "path").getAttribute("d")).toBe(MARKS[mark]);
    expect(textOf(badge, "label")).toBe(text);
  });

  test("is as wide and high while it loads as with each text, and so the page does not move", async () => {
    const badge = mount();
    await whenWatched();
    const before = sizeOf(badge);
    for (const status of ["available", "doing_back_office", "a_status_much_longer_than_all_that_a_release_knows"]) {
      tell({ status });
      expect(sizeOf(badge)).toEqual(before);
    }
    tell({}, { status: "stale", since: Date.now() });
    expect(sizeOf(badge)).toEqual(before);
  });

  test("in full has the agent's name, the state and the reason", async () => {
    const badge = mount({ variant: "full" });
    const name = badge.appendChild(document.createElement("b"));
    name.slot = "name";
    name.textContent = "Anna";
    await whenWatched();
    tell({ status: "on_a_break" });
    expect([textOf(badge, "label"), textOf(badge, "reason")]).toEqual(["Do not disturb", "On a break"]);
    expect(name.getBoundingClientRect().height).toBeGreaterThan(0);
    badge.setAttribute("variant", "pill");
    await Promise.resolve();
    expect([textOf(badge, "label"), textOf(badge, "reason")]).toEqual(["On a break", ""]);
    expect(name.getBoundingClientRect().height).toBe(0);
  });

  test("draws what remains of the wrap-up time, runs it down, and ends it with the next status", async () => {
    const badge = mount();
    await whenWatched();
    tell({ wrapUpTimeConfig: 40, wrapUpTimeTtl: 10 });
    const ring = inside(badge, "[part=ring]");
    expect(Number(ring.getAttribute("stroke-dashoffset"))).toBeCloseTo(0.75, 1);
    expect(ring.getAnimations().map(({ playState }) => playState)).toEqual(["running"]);
    tell({ status: "in_call", version: 2 });
    expect(badge.shadowRoot?.querySelector("[part=ring]")).toBeNull();
  });

  test("runs no ring down for people who want no motion", async () => {
    vi.stubGlobal("matchMedia", () => ({ matches: true }));
    onTestFinished(() => void vi.unstubAllGlobals());
    const badge = mount();
    await whenWatched();
    tell({ wrapUpTimeConfig: 40, wrapUpTimeTtl: 10 });
    expect(inside(badge, "[part=ring]").getAnimations()).toEqual([]);
  });

  test("takes the page's colours", async () => {
    const badge = mount();
    await whenWatched();
    tell();
    badge.style.setProperty("--availability-available", "rgb(1, 2, 3)");
    expect(getComputedStyle(inside(badge, "[part=mark]")).color).toBe("rgb(1, 2, 3)");
  });

  test("keeps its look on a page that resets every element", async () => {
    const style = document.head.appendChild(document.createElement("style"));
    onTestFinished(() => style.remove());
    const plain = mount();
    await whenWatched();
    tell();
    const box = (): readonly number[] => {
      const { width, height } = inside(plain, ".box").getBoundingClientRect();
      return [width, height];
    };
    const before = box();
    style.textContent = "* { all: unset } span, svg { display: none !important }";
    const size = getComputedStyle(document.body).fontSize;
    document.body.style.fontSize = size;
    expect(box()[1]).toBeCloseTo(before[1] ?? 0, 0);
    expect(inside(plain, "[part=mark]").getBoundingClientRect().width).toBeGreaterThan(0);
  });
});

describe("words", () => {
  test("a dot's words are hidden, and are its tooltip", async () => {
    const badge = mount({ variant: "dot" });
    await whenWatched();
    tell({}, { status: "stale", since: Date.now() - 300_000 });
    expect(inside(badge, "[part=label]").getBoundingClientRect().width).toBe(1);
    expect(inside(badge, ".box").title).toBe("Available, Last known 5 minutes ago");
  });

  test("a dot has the role and the label of a picture, also without ElementInternals, and a pill has none", async () => {
    const { attachInternals } = HTMLElement.prototype;
    HTMLElement.prototype.attachInternals = () => {
      throw new Error("not supported");
    };
    onTestFinished(() => void (HTMLElement.prototype.attachInternals = attachInternals));
    const badge = mount({ variant: "dot" });
    await whenWatched();
    tell({ status: "in_call" });
    const picture = (): readonly (string | null)[] =>
      ["role", "aria-label"].map((name) => inside(badge, ".box").getAttribute(name));
    expect(picture()).toEqual(["img", "In call"]);
    badge.removeAttribute("variant");
    await Promise.resolve();
    expect(picture()).toEqual([null, null]);
  });

  test("is a live region with `announce` alone, without the age", async () => {
    const badge = mount();
    await whenWatched();
    tell();
    const live = (): readonly (string | null)[] =>
      ["label", "reason", "age"].map(
        (part) => badge.shadowRoot?.querySelector(`[part=${part}]`)?.getAttribute("aria-live") ?? null,
      );
    expect(live()).toEqual([null, null, null]);
    badge.setAttribute("announce", "");
    await Promise.resolve();
    expect(live()).toEqual(["polite", "polite", null]);
  });

  test("has the language of the nearest ancestor, also outside of its shadow root, and follows a change", async () => {
    const outer = document.body.appendChild(document.createElement("div"));
    outer.lang = "de-AT";
    const root = outer.appendChild(document.createElement("div")).attachShadow({ mode: "open" });
    const badge = mount({}, root);
    await whenWatched();
    tell();
    expect(textOf(badge, "label")).toBe("Verfügbar");
    outer.lang = "ar";
    await Promise.resolve();
    expect(textOf(badge, "label")).toBe("متاح");
    badge.lang = "en";
    await Promise.resolve();
    expect(textOf(badge, "label")).toBe("Available");
  });

  test("is English in a language that the page has not given, and has the page's own texts", async () => {
    const badge = mount({ lang: "ja" });
    await whenWatched();
    tell();
    expect(textOf(badge, "label")).toBe("Available");
    for (const { onStatus } of watches) onStatus({ userId: 1, status: "not-allowed" });
    expect(textOf(badge, "label")).toBe("Not allowed");
    const other = mount({ "user-id": "2" });
    await whenWatched(2);
    for (const { userId, onStatus } of watches) if (userId === 2) onStatus({ userId, status: "error" });
    expect(textOf(other, "label")).toBe("!");
  });
});

test("looks as its attributes say from now on, also in a shadow root into which the page has moved it", async () => {
  const root = document.body.appendChild(document.createElement("div")).attachShadow({ mode: "open" });
  const badge = mount();
  root.append(badge);
  await whenWatched();
  tell();
  badge.setAttribute("variant", "dot");
  await Promise.resolve();
  expect(inside(badge, ".box").getAttribute("role")).toBe("img");
});

describe("what it tells the page", () => {
  test("dispatches an event with each change, out of shadow roots, and none while nothing changes", async () => {
    const changes: AvailabilityChange[] = [];
    const listener = ({ detail }: HTMLElementEventMap["availability-change"]): unknown => changes.push(detail);
    document.body.addEventListener("availability-change", listener);
    onTestFinished(() => document.body.removeEventListener("availability-change", listener));
    const root = document.body.appendChild(document.createElement("div")).attachShadow({ mode: "open" });
    const badge = mount({}, root);
    await whenWatched();
    expect(changes).toEqual([]);
    tell();
    tell({ version: 2 });
    tell({ status: "other", version: 3 });
    for (const { onStatus } of watches) onStatus({ userId: 1, status: "stale", since: Date.now() });
    badge.removeAttribute("user-id");
    expect(changes).toEqual([
      { userId: 1, state: "available", reason: "", callable: true, stale: false },
      { userId: 1, state: "do_not_disturb", reason: "other", callable: false, stale: false },
      { userId: 1, state: "do_not_disturb", reason: "other", callable: false, stale: true },
      { userId: null, state: "loading", reason: "", callable: false, stale: false },
    ]);
  });

  test("has the states callable and stale for selectors, in browsers that know them", async () => {
    if (!CSS.supports("selector(:state(callable))")) return;
    const badge = mount();
    await whenWatched();
    tell();
    expect([badge.matches(":state(callable)"), badge.matches(":state(stale)")]).toEqual([true, false]);
    tell({}, { status: "stale" });
    expect([badge.matches(":state(callable)"), badge.matches(":state(stale)")]).toEqual([false, true]);
  });
});

describe("who is watched", () => {
  /** Puts a badge below the screen. */
  function mountBelow(userId: string): { readonly badge: HTMLElement; readonly spacer: HTMLElement } {
    const spacer = document.body.appendChild(document.createElement("div"));
    spacer.style.height = "5000px";
    return { badge: mount({ "user-id": userId }), spacer };
  }

  /** Mounts badges of the agents from `first` on, in one place on the screen. */
  function mountMany(first: number, count: number): readonly HTMLElement[] {
    const all = document.createDocumentFragment();
    const badges = Array.from({ length: count }, (_, index) => mount({ "user-id": `${first + index}` }, all));
    for (const badge of badges) badge.style.cssText = "position: absolute; top: 0";
    document.body.append(all);
    return badges;
  }

  test("a badge on the screen is, and after the first hundred one below it is not until it comes near, and then shows at once", async () => {
    mountMany(100, 99);
    const { badge, spacer } = mountBelow("3");
    const other = mountBelow("4");
    mount({ "user-id": "5" }, document.body.insertBefore(document.createElement("div"), spacer));
    // The hundredth is watched as a guess.
    expect(watched()).toContain(3);
    await whenWatched(5);
    expect(watched()).not.toContain(4);
    expect(other.badge.dataset["state"]).toBe("loading");
    spacer.remove();
    other.spacer.remove();
    await whenWatched(4);
    tell({ userId: 4 });
    expect(other.badge.dataset["callable"]).toBe("true");
    expect(badge.dataset["state"]).toBe("loading");
  });

  test("of a thousand badges a hundred are in the task in which they come, and the others as soon as the browser knows that they are near", async () => {
    const before = begun;
    mountMany(1_000, 1_000);
    expect(watched()).toEqual(Array.from({ length: 100 }, (_, index) => 1_000 + index));
    // The browser says it with a frame, which takes long on a busy machine.
    await vi.waitFor(() => expect(new Set(watched()).size).toBe(1_000), { timeout: 30_000 });
    expect(begun).toBe(before + 1_000);
  }, 60_000);

  test("one away from the screen has its place alone until it comes near, and no row changes its height then", async () => {
    mountMany(2_000, 100);
    const table = document.body.appendChild(document.createElement("table"));
    const rows = Array.from({ length: 400 }, (_, index) => {
      const row = table.insertRow();
      const badge = mount({ "user-id": `${2_100 + index}` }, row.insertCell());
      return { row, badge };
    });
    const last = rows.at(-1);
    if (!last) throw new Error("expected rows");
    await whenWatched(2_100);
    const before = table.getBoundingClientRect();
    expect(last.badge.shadowRoot?.querySelectorAll("*")).toHaveLength(1);
    expect(inside(last.badge, ".box")?.getAttribute("aria-label")).toBe("Loading");
    onTestFinished(() => scrollTo(0, 0));
    last.badge.scrollIntoView();
    await whenWatched(2_499);
    expect(inside(last.badge, "path")?.getAttribute("d")).toBe(MARKS.loading);
    tell({ userId: 2_499 });
    expect(textOf(last.badge, "label")).toBe("Available");
    const after = table.getBoundingClientRect();
    expect([after.width, after.height]).toEqual([before.width, before.height]);
  });

  test("one that was taken to be near is no longer after 30 s", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    mount({ "user-id": "13" });
    mountBelow("12");
    expect(watched()).toEqual([13, 12]);
    // The timer begins when the browser has said that the badge is away.
    while (vi.getTimerCount() === 0) await new Promise(requestAnimationFrame);
    vi.advanceTimersByTime(30_000);
    expect(watched()).toEqual([13]);
  });

  test("one that scrolls away keeps what it shows, follows for 30 s, and is stale after that", async () => {
    const badge = mount({ "user-id": "5" });
    // Keeps the page's list of badges alive.
    mount({ "user-id": "6" });
    await whenWatched(5);
    tell({ userId: 5 });
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    badge.style.cssText = "position: absolute; top: 9000px";
    // The timer begins when the browser has said that the badge is away.
    while (vi.getTimerCount() === 0) await new Promise(requestAnimationFrame);
    vi.advanceTimersByTime(29_999);
    tell({ userId: 5, status: "in_call", version: 2 });
    expect([badge.dataset["state"], badge.dataset["stale"]]).toEqual(["in_call", "false"]);
    vi.advanceTimersByTime(1);
    expect(watched()).not.toContain(5);
    expect([badge.dataset["state"], badge.dataset["stale"]]).toEqual(["in_call", "true"]);
    vi.useRealTimers();
    badge.style.cssText = "";
    await whenWatched(5);
    expect(badge.dataset["state"]).toBe("in_call");
    tell({ userId: 5, version: 3 });
    expect([badge.dataset["state"], badge.dataset["stale"]]).toEqual(["available", "false"]);
  });

  test("rows that come and go show at once, and are watched once", async () => {
    mount({ "user-id": "7" });
    const row = mount({ "user-id": "8" });
    await whenWatched(8);
    tell({ userId: 8, status: "offline" });
    const before = begun;
    for (let count = 0; count < 3; count += 1) {
      document.querySelector('[user-id="8"]')?.remove();
      await Promise.resolve();
      expect(mount({ "user-id": "8" }).dataset["state"]).toBe("offline");
    }
    row.remove();
    expect(begun).toBe(before);
  });

  test("the last badge of a page ends all watches", async () => {
    const badges = [mount({ "user-id": "9" }), mount({ "user-id": "10" })];
    await whenWatched(10);
    for (const badge of badges) badge.remove();
    await Promise.resolve();
    expect(watched()).toEqual([]);
  });

  test("a hundred badges of one agent are one watch", async () => {
    const before = begun;
    const all = Array.from({ length: 100 }, () => mount({ "user-id": "11", variant: "dot" }));
    await whenWatched(11);
    tell({ userId: 11, status: "in_call" });
    expect(all.every(({ dataset }) => dataset["state"] === "in_call")).toBe(true);
    expect(begun).toBe(before + 1);
  });
});
