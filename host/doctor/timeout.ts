/** Maximum wait for a request of the doctor's own, and for the page's own token, in milliseconds. */
const OWN_REQUEST_MS = 5_000;

/** Creates the signal that ends a request of the doctor's own. Older browsers have no `AbortSignal.timeout`. */
export function createTimeout(): AbortSignal {
  const controller = new AbortController();
  setTimeout(() => controller.abort(), OWN_REQUEST_MS);
  return controller.signal;
}
