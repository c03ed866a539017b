/** Runs tasks one after the other. Firefox fails if two pages are opened at the same time. */

/** Runs a task after all earlier tasks, and returns its result. */
export type InTurn = <Result>(task: () => Promise<Result>) => Promise<Result>;

/** Creates a queue without tasks. A failed task does not stop the queue. */
export function createQueue(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (task) => {
    const result = last.then(task);
    last = result.catch(() => {});
    return result;
  };
}
