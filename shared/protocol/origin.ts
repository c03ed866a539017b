/**
 * Whether a text is an exact web origin, written as browsers write `event.origin`: `https://crm.example.com`,
 * with a port where it is not the scheme's own, and without a path or a trailing slash.
 * Such texts can be compared by equality; nothing else about origins ever is.
 */
export function isExactOrigin(text: string): boolean {
  // A URL's host may hold more than a name may, `*` and `;` among it, which mean something where policies are written.
  if (!/^https?:\/\/[\w.:[\]-]+$/.test(text)) return false;
  try {
    return new URL(text).origin === text;
  } catch {
    return false;
  }
}
