/** Loads the live part of the widget, a file of its own, so that a failed load can be repeated. */

/**
 * Creates a function that loads a module by `importModule`, whose argument is the query to add to the module's address. Each call is an
 * attempt with an address of its own: Chromium before 156 keeps a failed address in the document's module map, and rejects each further
 * import of it without a request. A module that an earlier attempt receives late counts as well.
 *
 * The returned function rejects with the error of its own attempt.
 */
export function createModuleLoader<Module>(importModule: (query: string) => Promise<Module>): () => Promise<Module> {
  let attempts = 0;
  let onArrival = (_module: Module): void => {};
  const arrival = new Promise<Module>((resolve) => (onArrival = resolve));
  return () => {
    attempts += 1;
    const attempt = importModule(attempts > 1 ? `?attempt=${attempts}` : "");
    // The caller receives the error.
    attempt.then(onArrival, () => {});
    return Promise.race([arrival, attempt]);
  };
}
