import type { ConnectOptions } from "../host/connect.ts";
import type { Connector } from "../host/connector.ts";
import { createConnector } from "../host/create-connector.ts";
import { parseTimeouts } from "../host/request/timeouts.ts";
import { createMemoryConnection } from "./memory-connection.ts";
import { prepareVendorWidget } from "./open-vendor-widget.ts";
import { refuseUnknownOptions } from "./refuse-unknown-options.ts";
import { createVendor } from "./vendor.ts";
import type { VendorControls, VendorOptions } from "./vendor-controls.ts";

/** Options of `createTestConnector`: agents, and options of `connect`. */
export interface TestConnectorOptions
  extends VendorOptions,
    Pick<ConnectOptions, "fetchToken" | "timeoutMs" | "handshakeTimeoutMs"> {}

/** A connector without an iframe, and the vendor's side for the test to control. */
export interface TestConnector extends Connector, VendorControls {
  /**
   * Takes the widget away, as if the iframe were gone. Requests wait for `reconnect`, and are rejected with `WIDGET_UNAVAILABLE` after
   * `handshakeTimeoutMs`. A request in flight that must not be sent twice is rejected with `CONNECTION_CLOSED`.
   */
  disconnect(): void;
  /** Brings a new widget after `disconnect`. The connector registers, and sends waiting requests and the list of watched users. */
  reconnect(): void;
}

const OPTIONS = ["availabilities", "userId", "fetchToken", "timeoutMs", "handshakeTimeoutMs"];

/** The page's origin, if the test runs without a page. */
const ORIGIN = "https://crm.example.com";

/**
 * Creates a connector for tests: the real connector and the real widget, connected in memory, with a vendor that the test controls. No
 * iframe and no network. Connects by itself, as `connect` does, after the call has returned.
 *
 * @throws {TypeError} when an option has a wrong value, or is none of these; the message names the option.
 */
export function createTestConnector(options: TestConnectorOptions = {}): TestConnector {
  const { fetchToken, userId, availabilities, timeoutMs, handshakeTimeoutMs, ...others } = options;
  refuseUnknownOptions("createTestConnector", others, OPTIONS);
  const origin = globalThis.location?.origin ?? ORIGIN;
  const vendor = createVendor({ availabilities, userId });
  const connection = createMemoryConnection(prepareVendorWidget(vendor, () => origin, userId));
  let isHeldBack = false;
  const connector = createConnector(
    connection.open,
    { origin, appName: "test", release: "unknown" },
    "&",
    () => "No widget answered: the test has disconnected it",
    parseTimeouts({ timeoutMs, handshakeTimeoutMs }),
    fetchToken,
    () => {},
  );
  // Not by a timer, which a test may have stopped.
  void Promise.resolve().then(() => {
    if (!isHeldBack && connector.state === "connecting") connection.connect();
  });
  const { requests, setAvailability, removeUser, reject, delay, expireSession } = vendor;
  return Object.assign(connector, {
    requests,
    setAvailability,
    removeUser,
    reject,
    delay,
    expireSession,
    disconnect() {
      isHeldBack = true;
      connection.disconnect();
    },
    reconnect() {
      isHeldBack = true;
      connection.connect();
    },
  });
}
