/** The site's Content-Security-Policy, in the head of each page: any server of static files can then serve the site. */
import { createHash } from "node:crypto";

const SCRIPT = /<script(?![^>]*\ssrc=)[^>]*>([^]*?)<\/script>/g;
const STYLE = /\sstyle="([^"]*)"/g;

/**
 * Puts a policy into a page. The policy allows the page's inline scripts and style attributes by hashes, files of the site's own origin, and the
 * policy of Trusted Types by which Vue makes HTML.
 */
export function addPolicy(html: string): string {
  const scripts = Array.from(html.matchAll(SCRIPT), ([, code = ""]) => hash(code));
  const styles = Array.from(html.matchAll(STYLE), ([, style = ""]) => hash(style));
  const policy = [
    "default-src 'none'",
    ["script-src 'self'", ...new Set(scripts)].join(" "),
    "style-src 'self'",
    ...(styles.length > 0 ? [["style-src-attr 'unsafe-hashes'", ...new Set(styles)].join(" ")] : []),
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "frame-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types vue",
  ].join("; ");
  const charset = '<meta charset="utf-8">';
  if (!html.includes(charset)) throw new Error(`A page of the site has no ${charset}, after which its policy comes`);
  return html.replace(charset, () => `${charset}\n    <meta http-equiv="Content-Security-Policy" content="${policy}">`);
}

function hash(text: string): string {
  return `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
}
