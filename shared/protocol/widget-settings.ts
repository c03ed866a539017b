import * as v from "valibot";
import { isExactOrigin } from "./origin.ts";

/** Name of the `<meta>` with the widget's settings as JSON, in the widget's document. */
export const WIDGET_SETTINGS_NAME = "availability-bridge";

/** Settings that the gateway writes into the widget's document and the widget reads at its start. */
export const WidgetSettings = v.strictObject({
  /** Allowed origins of the page around the widget. The same list is the document's `frame-ancestors`. */
  allowedOrigins: v.pipe(
    v.array(
      v.pipe(v.string("an origin"), v.check(isExactOrigin, "an exact origin such as https://crm.example.com")),
      "a list of origins",
    ),
    v.minLength(1, "at least one origin"),
  ),
  /** URL of the gateway's API, absolute or relative to the widget's document. Ends with a slash. */
  apiBase: v.pipe(v.string("a URL"), v.endsWith("/", "a URL that ends with a slash")),
});
export type WidgetSettings = v.InferOutput<typeof WidgetSettings>;
