/** List of entries, the newest at the bottom. The list has the keyboard's focus; the arrow keys move through the entries. */
import { createElement } from "./elements.ts";
import { formatClock, formatDuration } from "./format.ts";
import type { TimelineEntry } from "./timeline.ts";

const ARROWS = { out: "→", in: "←", here: "·" };

/** Texts of the directions for a screen reader. */
const DIRECTIONS = { out: "to the widget", in: "from the widget", here: "in the page" };

/** Maximum number of rows, so that the page stays fast. */
const MAX_ROWS = 500;

/** Duration, in milliseconds, whose bar has the full width. */
const LONGEST_MS = 10_000;

/** Step of Page Up and Page Down, in rows. */
const PAGE = 10;

export interface EntryList {
  readonly element: HTMLElement;
  /** Appends entries. A list at the end stays at the end. */
  append(entries: readonly TimelineEntry[]): void;
  /** Replaces the entries. A selected entry among the new ones stays selected. */
  replace(entries: readonly TimelineEntry[]): void;
}

/** Creates the list. `onSelected` is called with the chosen entry, or with `undefined` when the entry is gone. */
export function createEntryList(onSelected: (entry: TimelineEntry | undefined) => void): EntryList {
  const element = createElement("div", { class: "list", role: "listbox", tabindex: "0", "aria-label": "Events" });
  const shown = new Map<Element, TimelineEntry>();
  let selected: Element | undefined;

  function select(row: Element | undefined): void {
    if (row === selected) return;
    selected?.setAttribute("aria-selected", "false");
    selected = row;
    row?.setAttribute("aria-selected", "true");
    element.setAttribute("aria-activedescendant", row?.id ?? "");
    row?.scrollIntoView({ block: "nearest" });
    onSelected(row && shown.get(row));
  }

  function drop(row: Element): void {
    shown.delete(row);
    row.remove();
    if (row === selected) select(undefined);
  }

  function append(entries: readonly TimelineEntry[]): void {
    // A pixel of tolerance: positions have fractions.
    const isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < 2;
    const rows = entries.slice(-MAX_ROWS).map((entry) => {
      const row = createRow(entry);
      shown.set(row, entry);
      return row;
    });
    element.append(...rows);
    while (element.childElementCount > MAX_ROWS && element.firstElementChild) drop(element.firstElementChild);
    if (isAtEnd) element.scrollTop = element.scrollHeight;
  }

  function move(steps: number): void {
    const rows = [...element.children];
    const index = selected ? rows.indexOf(selected) + steps : steps > 0 ? 0 : rows.length - 1;
    select(rows[Math.min(rows.length - 1, Math.max(0, index))]);
  }

  const moves: Readonly<Record<string, () => void>> = {
    ArrowDown: () => move(1),
    ArrowUp: () => move(-1),
    PageDown: () => move(PAGE),
    PageUp: () => move(-PAGE),
    Home: () => select(element.firstElementChild ?? undefined),
    End: () => select(element.lastElementChild ?? undefined),
    Escape: () => select(undefined),
  };

  element.addEventListener("keydown", (event) => {
    const run = moves[event.key];
    if (!run || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    run();
  });
  element.addEventListener("click", ({ target }) => {
    const row = target instanceof Element ? target.closest("[role=option]") : null;
    if (row) select(row);
  });

  return {
    element,
    append,
    replace(entries) {
      const last = selected && shown.get(selected);
      shown.clear();
      selected = undefined;
      element.replaceChildren();
      append(entries);
      const row = [...shown].find(([, entry]) => entry === last)?.[0];
      if (row) select(row);
      else if (last) onSelected(undefined);
      element.setAttribute("aria-activedescendant", row?.id ?? "");
    },
  };
}

function createRow({ serial, at, kind, direction, title, id, durationMs, attempt }: TimelineEntry): HTMLElement {
  const arrow = createElement("span", { class: "arrow", "aria-hidden": "true" }, ARROWS[direction]);
  const meaning = createElement("span", { class: "unseen" }, `${DIRECTIONS[direction]}: `);
  const bar = createElement("span", { class: "bar", "aria-hidden": "true" });
  // A step of the width for each doubling, so that 5 ms and 500 ms can both be seen.
  if (durationMs !== undefined) {
    bar.style.setProperty("--share", `${Math.min(1, Math.log1p(durationMs) / Math.log1p(LONGEST_MS))}`);
  }
  const duration = createElement(
    "span",
    { class: "duration" },
    durationMs === undefined ? "" : formatDuration(durationMs),
  );
  return createElement(
    "div",
    { class: `row ${kind}`, role: "option", id: `entry-${serial}`, "aria-selected": "false" },
    createElement("span", { class: "time" }, formatClock(at)),
    arrow,
    meaning,
    createElement("span", { class: "title" }, title, attempt ? ` (sent ${attempt} times)` : ""),
    createElement("span", { class: "id" }, id?.replace(/^.*-(?=\d+$)/, "#") ?? ""),
    bar,
    duration,
  );
}
