/** The pill with the state of the connection to the widget. */
import type { Connector, ConnectorState } from "../connector.ts";
import { getElement } from "./elements.ts";

const STATE_LABELS: Record<ConnectorState, string> = {
  connecting: "Connecting",
  ready: "Ready",
  reconnecting: "Reconnecting",
  closed: "Closed",
};

/** Shows a connector's state in the pill and follows each change. */
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
