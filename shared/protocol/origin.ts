/**
 * Origins of pages of extensions and apps. A regular expression, because older browsers find no host in a URL with a scheme
 * of a shell.
 */
const SHELL_ORIGIN = /^[a-z][a-z\d+.-]*:\/\/[a-z\d._-]+(:\d{1,5})?$/;

/** Schemes whose pages have the origin `null`, schemes without pages, and the schemes of websites. */
const NO_SHELL = /^(about|blob|data|file|ftp|https?|javascript|wss?):/;

/**
 * Checks for an exact origin in the form of `event.origin`: `https://crm.example.com`, with a port if the port is not the
 * scheme's default, and without a path or a trailing slash. A page of an extension or an app has the scheme of its shell:
 * `chrome-extension://<id>`, `capacitor://localhost`. Origins are compared as whole strings only.
 */
export function isExactOrigin(text: string): boolean {
  if (SHELL_ORIGIN.test(text) && !NO_SHELL.test(text)) return true;
  // A URL's host may contain `*` and `;`, which have a meaning in a content security policy.
  if (!/^https?:\/\/[\w.:[\]-]+$/.test(text)) return false;
  try {
    return new URL(text).origin === text;
  } catch {
    return false;
  }
}
