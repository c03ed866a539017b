// @ts-check
/** The least code of a page: one iframe, one message each way, checked by window and origin. */
import { REQUEST } from "./exchange.js";

const { origin } = new URL(/** @type {HTMLScriptElement} */ (document.currentScript).src);
const frame = document.createElement("iframe");
frame.style.display = "none";
frame.src = `${origin}/widget/`;
addEventListener("message", ({ source, origin: from, data }) => {
  if (source !== frame.contentWindow || from !== origin) return;
  if (data === "ready") frame.contentWindow?.postMessage(REQUEST, origin);
  else Reflect.get(window, "settled")(data);
});
(document.body ?? document.documentElement).append(frame);
