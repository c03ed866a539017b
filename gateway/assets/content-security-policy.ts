import { createHash } from "node:crypto";

/** A comment is matched too, as a whole, so that what stands in it is taken for no element. */
const COMMENT_OR_INLINE = /<!--.*?-->|<(script|style)(?=[\s>])((?:"[^"]*"|'[^']*'|[^"'>])*)>(.*?)<\/\1\s*>/gis;

/**
 * The Content-Security-Policy of the widget's document: pages of the allowed origins may embed it, and it may run and
 * load nothing but its own origin's files and the very scripts and styles that stand in it.
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
    // The address of the worker that has the stream is made by it, and nothing else.
    "trusted-types stream-worker",
  ].join("; ");
}

function inlineHashes(html: string, element: "script" | "style"): readonly string[] {
  // A browser hashes what its parser has read, and that knows no carriage returns.
  return Array.from(html.replaceAll(/\r\n?/g, "\n").matchAll(COMMENT_OR_INLINE))
    .filter(([, name, attributes = ""]) => name?.toLowerCase() === element && !/\ssrc\s*=/i.test(attributes))
    .map(([, , , text = ""]) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`);
}
