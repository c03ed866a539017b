// @ts-check
import { bundle, pageOf } from "../bundle.mjs";

/**
 * Builds a host's page with a script, the name of the side and the widget's address.
 *
 * @param {string} script
 * @param {{ side: string, widget: string }} data
 */
export async function hostPage(script, { side, widget }) {
  const html = pageOf(await bundle(script));
  return html.replace("<body>", () => `<body data-side="${side}" data-widget="${widget}">`);
}
