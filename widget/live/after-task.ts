/** Work that can wait until the current task is over. */

/**
 * Returns a function that calls `call`, and resolves in a later task than `call` does. Not by a timer, which browsers delay by up to a minute
 * in a frame that is hidden.
 */
export function afterTask<Args extends readonly unknown[], Value>(
  call: (...args: Args) => Promise<Value>,
): (...args: Args) => Promise<Value> {
  return async (...args) => {
    const value = await call(...args);
    await new Promise<void>((resolve) => {
      const { port1, port2 } = new MessageChannel();
      port1.addEventListener("message", () => {
        port1.close();
        resolve();
      });
      port1.start();
      port2.postMessage(undefined);
    });
    return value;
  };
}
