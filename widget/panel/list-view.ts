/** The list of agents: only the rows on or near the screen are in the document. */
import {
  defaultRangeExtractor,
  elementScroll,
  observeElementOffset,
  observeElementRect,
  type Range,
  type VirtualItem,
  Virtualizer,
} from "@tanstack/virtual-core";
import type { Row } from "./rows.ts";

/** Heights of the rows in CSS pixels, as the style sheet has them. */
const ROW_HEIGHTS: Readonly<Record<Row["kind"], number>> = { agent: 36, heading: 30 };

/** Rows beyond each end of the visible part, so that a scroll shows no gap. */
const OVERSCAN = 6;

/** Maximum number of rows in the document, on any screen. */
const MAX_ROWS = 58;

/** A row of the document, with the place in the list. */
export interface PlacedRow {
  readonly row: Row;
  /** Distance from the list's top, in CSS pixels. */
  readonly top: number;
  /** An agent's place among all listed agents, from 1: most of them are not in the document. */
  readonly position: number;
  /** Number of listed agents. */
  readonly setSize: number;
}

export interface ListView {
  /** Takes the rows. Returns the rows to render and the height of all rows, in CSS pixels. */
  place(
    rows: readonly Row[],
    selectedId: number | undefined,
  ): { readonly placed: readonly PlacedRow[]; readonly height: number };
  /** Starts to observe the scrolling element. */
  attach(): void;
  /** Scrolls an agent into the visible part. */
  reveal(userId: number): void;
  /** Number of agents on one screen. */
  pageSize(): number;
}

/** Creates a list over the element that `getScroller` returns. `onChange` is called after a scroll or a change of the size. */
export function createListView(getScroller: () => HTMLElement | null, onChange: () => void): ListView {
  let rows: readonly Row[] = [];
  /** Indexes of the headings. */
  let headings: readonly number[] = [];
  let selectedIndex = -1;
  let lastSelectedId: number | undefined;

  function createOptions() {
    return {
      count: rows.length,
      getScrollElement: getScroller,
      estimateSize: (index: number) => ROW_HEIGHTS[rows[index]?.kind ?? "agent"],
      overscan: OVERSCAN,
      // Below a heading above the screen, and above the list's edge.
      scrollPaddingStart: ROW_HEIGHTS.heading,
      // Another function after each change: the virtualiser calls the same one only after a scroll.
      rangeExtractor: (range: Range) => extractRange(range),
      observeElementRect,
      observeElementOffset,
      scrollToFn: elementScroll,
      onChange,
    };
  }

  /** Keeps the selected agent's row in the document: `aria-activedescendant` names it. */
  function extractRange(range: Range): number[] {
    const indexes = defaultRangeExtractor(range).slice(0, MAX_ROWS);
    return selectedIndex < 0 || indexes.includes(selectedIndex)
      ? indexes
      : [...indexes, selectedIndex].sort((one, other) => one - other);
  }

  const virtualizer = new Virtualizer<HTMLElement, HTMLElement>(createOptions());

  function toPlaced({ index, start }: VirtualItem): readonly PlacedRow[] {
    const row = rows[index];
    if (!row) return [];
    const above = headings.filter((heading) => heading < index).length;
    return [{ row, top: start, position: index + 1 - above, setSize: rows.length - headings.length }];
  }

  return {
    place(next, selectedId) {
      // A scroll alone changes neither, and must not cost more for a longer list.
      if (next !== rows || selectedId !== lastSelectedId) {
        const isChanged = next.length !== rows.length || next.some((row, index) => row.kind !== rows[index]?.kind);
        rows = next;
        headings = rows.flatMap(({ kind }, index) => (kind === "heading" ? [index] : []));
        lastSelectedId = selectedId;
        selectedIndex = rows.findIndex((row) => row.kind === "agent" && row.availability.userId === selectedId);
        virtualizer.setOptions(createOptions());
        if (isChanged) virtualizer.measure();
        virtualizer._willUpdate();
      }
      return { placed: virtualizer.getVirtualItems().flatMap(toPlaced), height: virtualizer.getTotalSize() };
    },
    attach() {
      virtualizer._didMount();
      virtualizer._willUpdate();
    },
    reveal(userId) {
      const index = rows.findIndex((row) => row.kind === "agent" && row.availability.userId === userId);
      if (index >= 0) virtualizer.scrollToIndex(index, { align: "auto" });
    },
    pageSize: () => Math.max(1, Math.floor((getScroller()?.clientHeight ?? 0) / ROW_HEIGHTS.agent) - 1),
  };
}
