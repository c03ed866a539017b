/** Maximum number of logged origins. A page has one parent; only an attack has many. */
const MAX_LOGGED = 8;

/**
 * Logs each origin once that tries to talk to the widget and is not on the list of allowed origins. To the page, a rejection
 * looks like a widget that never responds, so the widget's console has to name the cause.
 */
export function logRejectedOrigins(parent: Window, allowedOrigins: readonly string[]): void {
  const logged = new Set<string>();

  function logOnce(origin: string): void {
    if (allowedOrigins.includes(origin) || logged.has(origin) || logged.size >= MAX_LOGGED) return;
    logged.add(origin);
    console.warn(`availability-bridge: refused ${origin}, which is not one of the allowed origins of this widget`);
  }

  // Some browsers name the parent's origin: a page that waits for the widget's SYN sends no message by which to log it.
  const parentOrigin = location.ancestorOrigins?.[0];
  // A browser also says "null" of a page with the referrer policy that the connector sets.
  if (parentOrigin !== undefined && parentOrigin !== "null") logOnce(parentOrigin);
  addEventListener("message", ({ source, origin }) => {
    if (source === parent) logOnce(origin);
  });
}
