import * as v from "valibot";
import { isExactOrigin } from "./origin.ts";

/** Name of the `<meta>` in the widget's document whose content holds its settings as JSON. */
export const WIDGET_SETTINGS_NAME = "availability-bridge";

/** What the gateway writes into the widget's document as it serves it, and what the widget reads there. */
export const WidgetSettings = v.strictObject({
  /** Origins of the pages that the widget talks to. The same list is the document's `frame-ancestors`. */
  allowedOrigins: v.pipe(
    v.array(
      v.pipe(v.string("an origin"), v.check(isExactOrigin, "an exact origin such as https://crm.example.com")),
      "a list of origins",
    ),
    v.minLength(1, "at least one origin"),
  ),
  /** Where the gateway's API lies, as a URL that may be relative to the widget's document. Ends with a slash. */
  apiBase: v.pipe(v.string("a URL"), v.endsWith("/", "a URL that ends with a slash")),
});
export type WidgetSettings = v.InferOutput<typeof WidgetSettings>;
