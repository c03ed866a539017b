/** A wait that can be ended early. */
export interface Pause {
  /** Resolves after this many milliseconds, or when it is ended. */
  take(milliseconds: number): Promise<void>;
  end(): void;
}

/** Creates a pause that nobody takes yet. */
export function createPause(): Pause {
  let end = (): void => {};
  return {
    take: (milliseconds) =>
      new Promise((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        end = () => {
          clearTimeout(timer);
          resolve();
        };
      }),
    end: () => end(),
  };
}
