/** The pill that says how the page and the widget are connected. */
import type { Connector, ConnectorState } from "../connector.ts";
import { getElement } from "./elements.ts";

const STATE_LABELS: Record<ConnectorState, string> = {
  connecting: "Connecting",
  ready: "Ready",
  reconnecting: "Reconnecting",
  closed: "Closed",
};

/** Keeps the pill in step with a connector. */
export function showConnectionStatus(connector: Connector): void {
  const pill = getElement("connection-pill", HTMLElement);
  const text = getElement("connection", HTMLElement);
  const show = (state: ConnectorState): void => {
    pill.dataset["state"] = state;
    text.textContent = STATE_LABELS[state];
  };
  show(connector.state);
  connector.onStateChange(show);
}
