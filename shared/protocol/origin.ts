/**
 * Checks for an exact web origin in the form of `event.origin`: `https://crm.example.com`, with a port if the port is not
 * the scheme's default, and without a path or a trailing slash. Origins are compared as whole strings only.
 */
export function isExactOrigin(text: string): boolean {
  // A URL's host may contain `*` and `;`, which have a meaning in a content security policy.
  if (!/^https?:\/\/[\w.:[\]-]+$/.test(text)) return false;
  try {
    return new URL(text).origin === text;
  } catch {
    return false;
  }
}
