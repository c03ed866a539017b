import { WIDGET_SETTINGS_NAME, type WidgetSettings } from "../../shared/protocol/widget-settings.ts";
import type { Representation } from "../http/conditional-response.ts";
import { hashTag } from "./content-hash.ts";
import { widgetPolicy } from "./content-security-policy.ts";

const EMPTY_SETTINGS = new RegExp(`<meta\\s+name="${WIDGET_SETTINGS_NAME}"\\s+content=""\\s*/?>`, "g");

/** Features that the widget does not use. Denying them limits the effect of a flaw in the widget. */
const DENIED_FEATURES = [
  "accelerometer",
  "autoplay",
  "camera",
  "clipboard-read",
  "clipboard-write",
  "display-capture",
  "encrypted-media",
  "fullscreen",
  "geolocation",
  "gyroscope",
  "hid",
  "idle-detection",
  "magnetometer",
  "microphone",
  "midi",
  "payment",
  "picture-in-picture",
  "publickey-credentials-get",
  "screen-wake-lock",
  "serial",
  "usb",
  "xr-spatial-tracking",
];

/** The build's document has no place for the widget's settings. The operator has to copy or build it again. */
export class WidgetDocumentError extends Error {
  override readonly name = "WidgetDocumentError";
}

/** The widget's document for the pages of a customer. */
export interface WidgetDocument extends Omit<Representation, "body"> {
  /** Writes the settings into the document. */
  readonly createBody: () => string;
}

/**
 * Prepares the widget's document for pages of the allowed origins.
 *
 * @throws {WidgetDocumentError} if the document has no empty `<meta name="availability-bridge" content="">`.
 */
export function prepareWidgetDocument(html: string, allowedOrigins: readonly string[]): WidgetDocument {
  const createBody = () => withSettings(html, { allowedOrigins: [...allowedOrigins], apiBase: "../v1/" });
  const body = createBody();
  const headers = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": widgetPolicy(body, allowedOrigins),
    "Permissions-Policy": DENIED_FEATURES.map((feature) => `${feature}=()`).join(", "),
    "Referrer-Policy": "no-referrer",
    // A cross-origin isolated page can embed the widget only with both headers.
    "Cross-Origin-Embedder-Policy": "require-corp",
    "Cross-Origin-Resource-Policy": "cross-origin",
  };
  return {
    createBody,
    contentType: "text/html; charset=utf-8",
    headers,
    // The tag covers the headers too: a browser does not take a new Content-Security-Policy from a 304.
    etag: hashTag(body, JSON.stringify(headers)),
  };
}

function withSettings(html: string, settings: WidgetSettings): string {
  const content = escapeHtml(JSON.stringify(settings));
  // A function, because `$&` in a replacement text is a pattern.
  const filled = html.replaceAll(EMPTY_SETTINGS, () => `<meta name="${WIDGET_SETTINGS_NAME}" content="${content}">`);
  if (filled !== html) return filled;
  const missing = `<meta name="${WIDGET_SETTINGS_NAME}" content="">`;
  throw new WidgetDocumentError(
    `The widget's document has no ${missing}, so it is not of this release. Copy the whole directory dist of the release again; from sources, build it again.`,
  );
}

function escapeHtml(text: string): string {
  return text
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}
