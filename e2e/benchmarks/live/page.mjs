// @ts-check
import { bundle, pageOf } from "../bundle.mjs";

/**
 * A host's page with a script, told which side it is and where the widget lies.
 *
 * @param {string} script
 * @param {{ side: string, widget: string }} data
 */
export async function hostPage(script, { side, widget }) {
  const html = pageOf(await bundle(script));
  return html.replace("<body>", () => `<body data-side="${side}" data-widget="${widget}">`);
}
