/** Actions of keys and pointers in the panel. */
import type { ListView } from "./list-view.ts";
import type { PanelActions } from "./panel-model.ts";
import type { PanelState } from "./panel-state.ts";
import type { Row } from "./rows.ts";

/** The state as the keys change it. */
type ActiveState = Pick<PanelState, "search" | "select" | "choose" | "retry" | "current">;

/** Creates the actions of a panel in `root`. */
export function createPanelActions(root: ParentNode, state: ActiveState, list: ListView): PanelActions {
  const focusOn = (selector: string): void => root.querySelector<HTMLElement>(selector)?.focus();

  function clearSearch(): void {
    state.search("");
    focusOn("input");
  }

  /** Selects the agent at a place of the list; beyond an end, the last agent there. */
  function selectAt(index: number): void {
    const userIds = state.current().rows.flatMap(readUserId);
    const userId = userIds[Math.min(Math.max(0, index), userIds.length - 1)];
    if (userId === undefined) return;
    state.select(userId);
    list.reveal(userId);
  }

  /** Returns the target place of a key; `undefined` for keys without a target. */
  function readTarget(key: string): number | undefined {
    const { rows, selectedId } = state.current();
    const userIds = rows.flatMap(readUserId);
    const index = userIds.findIndex((userId) => userId === selectedId);
    switch (key) {
      case "ArrowDown":
        return index + 1;
      case "ArrowUp":
        return index < 0 ? userIds.length - 1 : index - 1;
      case "PageDown":
        return index + list.pageSize();
      case "PageUp":
        return index - list.pageSize();
      case "Home":
        return 0;
      case "End":
        return userIds.length - 1;
      default:
        return undefined;
    }
  }

  return {
    choose: state.choose,
    select: state.select,
    retry: state.retry,
    search(query) {
      if (query === "") clearSearch();
      else state.search(query);
    },
    handleListKey(event) {
      // Keys with a modifier belong to the browser.
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === "Escape") clearSearch();
      const target = readTarget(event.key);
      if (target === undefined) return;
      event.preventDefault();
      selectAt(target);
    },
    handleSearchKey(event) {
      if (event.key === "Escape") clearSearch();
      if (event.key !== "ArrowDown" && event.key !== "Enter") return;
      event.preventDefault();
      selectAt(0);
      focusOn("#list");
    },
  };
}

function readUserId(row: Row): readonly number[] {
  return row.kind === "agent" ? [row.availability.userId] : [];
}
