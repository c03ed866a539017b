import * as v from "valibot";
import { WIDGET_SETTINGS_NAME, WidgetSettings } from "../shared/protocol/widget-settings.ts";

/**
 * Reads the settings that the gateway has written into this document.
 *
 * @throws {Error} if the settings are missing, because no gateway served the document, or malformed.
 */
export function readWidgetSettings(page: Document): WidgetSettings {
  const content = page.querySelector<HTMLMetaElement>(`meta[name="${WIDGET_SETTINGS_NAME}"]`)?.content;
  if (!content) throw new Error("The widget has no settings: it must be served by its gateway");
  return v.parse(WidgetSettings, JSON.parse(content));
}
