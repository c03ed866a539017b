/** A tab as the browser has it. */
export interface TestTab {
  /** Runs a task in the tab, at once or when it has woken. A crashed tab runs nothing. */
  run(task: () => void): void;
  isCrashed(): boolean;
}
