/** More origins than this are not worth a line each: a page has one parent, and only an attack has many. */
const MAX_LOGGED = 8;

/**
 * Says once for each origin that a page tried to talk to the widget and is not on the list.
 * From that page a refusal looks like a widget that never answers, so the widget's console is where it can be found.
 */
export function logRefusedOrigins(parent: Window, allowedOrigins: readonly string[]): void {
  const logged = new Set<string>();

  function logOnce(origin: string): void {
    if (allowedOrigins.includes(origin) || logged.has(origin) || logged.size >= MAX_LOGGED) return;
    logged.add(origin);
    console.warn(`availability-bridge: refused ${origin}, which is not one of the allowed origins of this widget`);
  }

  // Where the browser tells who is around: a page that waits to be greeted would otherwise never be heard of.
  const surrounding = location.ancestorOrigins?.[0];
  // "null" may also be what a browser says of a page that wants no referrer to be sent, as the connector does.
  if (surrounding !== undefined && surrounding !== "null") logOnce(surrounding);
  addEventListener("message", ({ source, origin }) => {
    if (source === parent) logOnce(origin);
  });
}
