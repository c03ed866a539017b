/** Starts work, or joins work that has yet to start. Resolves with the work's result. */
export type ShareWork<Result> = (start: () => Promise<Result>) => Promise<Result>;

/**
 * Creates work whose result its callers share. One piece of work is done at a time. Callers that come meanwhile share the
 * next one, which starts after the last of them has come, and so finds every change that any of these callers has seen.
 */
export function createSharedWork<Result>(): ShareWork<Result> {
  let running: Promise<unknown> = Promise.resolve();
  let next: Promise<Result> | undefined;
  return (start) => {
    if (next) return next;
    const started = running.then(() => {
      next = undefined;
      return start();
    });
    next = started;
    running = started.catch(() => {});
    return started;
  };
}
