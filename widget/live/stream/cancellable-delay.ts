/** A delay that can end early. */
export interface CancellableDelay {
  /** Resolves after the given milliseconds, or on `cancel`. */
  wait(milliseconds: number): Promise<void>;
  cancel(): void;
}

/** Creates a delay that has not started. */
export function createCancellableDelay(): CancellableDelay {
  let cancel = (): void => {};
  return {
    wait: (milliseconds) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        cancel = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    cancel: () => cancel(),
  };
}
