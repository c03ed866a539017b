import { createHash } from "node:crypto";

/** Matches comments too, so that a script in a comment is not taken for an element. */
const COMMENT_OR_INLINE = /<!--.*?-->|<(script|style)(?=[\s>])((?:"[^"]*"|'[^']*'|[^"'>])*)>(.*?)<\/\1\s*>/gis;

/**
 * Creates the Content-Security-Policy of the widget's document: pages of the allowed origins may embed the document,
 * which may run and load only its own origin's files and inline scripts and styles.
 */
export function widgetPolicy(html: string, allowedOrigins: readonly string[]): string {
  return [
    "default-src 'none'",
    ["script-src 'self'", ...inlineHashes(html, "script")].join(" "),
    ["style-src 'self'", ...inlineHashes(html, "style")].join(" "),
    "connect-src 'self'",
    "worker-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    `frame-ancestors ${allowedOrigins.join(" ")}`,
    "require-trusted-types-for 'script'",
    // Under the first policy the widget creates the address of its stream worker, and under the second one the panel's library parses the
    // templates in its own code, never a value. Each can be created once.
    "trusted-types stream-worker lit-html",
  ].join("; ");
}

function inlineHashes(html: string, element: "script" | "style"): readonly string[] {
  // Browsers hash the parsed text, which has no carriage returns.
  return Array.from(html.replaceAll(/\r\n?/g, "\n").matchAll(COMMENT_OR_INLINE))
    .filter(([, name, attributes = ""]) => name?.toLowerCase() === element && !/\ssrc\s*=/i.test(attributes))
    .map(([, , , text = ""]) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
}
