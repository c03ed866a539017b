/** A CRM's page that receives each change of one user, through the connector or through an iframe written by hand. */
import { connect } from "../../../host/index.ts";
import { CHANGED_USER, collectChanges } from "./collect-changes.js";

const { side, widget = "" } = document.body.dataset;

const hear = collectChanges((changes) => {
  void fetch(`${location.pathname}/report`, { method: "POST", body: JSON.stringify(changes) });
});

if (side === "bridge") {
  connect({ src: `${widget}/widget/` }).watch(CHANGED_USER, hear);
} else {
  const frame = document.createElement("iframe");
  frame.src = `${widget}/widget/`;
  addEventListener("message", ({ source, origin, data }) => {
    if (source !== frame.contentWindow || origin !== widget) return;
    if (data === "ready") frame.contentWindow?.postMessage("listen", widget);
    else hear(data);
  });
  document.body.append(frame);
}
