// @ts-check
import { bundle, pageOf } from "../bundle.mjs";

/**
 * Builds a host's page with a script, the name of the side and the widget's address.
 *
 * @param {string} script
 * @param {{ side: string, widget: string, checkout?: string | undefined }} data `checkout`: the built checkout whose
 * package the page uses, by default the present one
 */
export async function hostPage(script, { side, widget, checkout }) {
  const html = pageOf(await bundle(script, [], checkout));
  return html.replace("<body>", () => `<body data-side="${side}" data-widget="${widget}">`);
}
