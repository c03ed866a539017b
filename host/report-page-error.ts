/**
 * Reports an error of the page's own code, such as a listener's, as uncaught. Never throws. Chrome before 95 and Firefox before 93 have no
 * `reportError`, and a page may have a function of this name, which expects something else.
 */
export function reportPageError(error: unknown): void {
  try {
    reportError(error);
  } catch {
    setTimeout(() => {
      throw error;
    });
  }
}
