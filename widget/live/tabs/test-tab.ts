/** A tab of the fake browser. */
export interface TestTab {
  /** Runs a task in the tab: at once, or after the tab has resumed. A crashed tab runs no task. */
  run(task: () => void): void;
  isCrashed(): boolean;
}
