import * as v from "valibot";
import { WIDGET_SETTINGS_NAME, WidgetSettings } from "../shared/protocol/widget-settings.ts";

/**
 * The settings that the gateway has written into this document.
 *
 * @throws {Error} when there are none, as where the document was not served by a gateway, or when they are malformed.
 */
export function readWidgetSettings(page: Document): WidgetSettings {
  const content = page.querySelector<HTMLMetaElement>(`meta[name="${WIDGET_SETTINGS_NAME}"]`)?.content;
  if (!content) throw new Error("The widget has no settings: it must be served by its gateway");
  return v.parse(WidgetSettings, JSON.parse(content));
}
