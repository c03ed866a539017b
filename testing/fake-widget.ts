/**
 * Script of the fake widget's document in browser tests: the real widget over a backend in the process of the test. Served by
 * `testing/playwright.ts`.
 */
import { createListeners } from "../host/listeners.ts";
import { openWindowPort, type Port } from "../shared/transport/penpal-port.ts";
import { logRejectedOrigins } from "../widget/transport/log-rejected-origins.ts";
import type { CallTest, FakeWidgetDocument, FakeWidgetSettings } from "./fake-widget-settings.ts";
import { prepareVendorWidget } from "./open-vendor-widget.ts";
import type { VendorChange } from "./vendor.ts";

const { binding, allowedOrigins, userId }: FakeWidgetSettings = JSON.parse(
  document.currentScript?.dataset["settings"] ?? "",
);
// The test's process has defined the function before the document was loaded.
const callTest = Reflect.get(globalThis, binding) as CallTest;
const changes = createListeners<[VendorChange]>();
let pageOrigin: string | undefined;
let port: Port;
let isDisconnected = false;

const openWidget = prepareVendorWidget(
  {
    record: (request) => void callTest("record", request),
    plan: (type) => callTest("plan", type),
    call: (call) => callTest("call", call),
    subscribe: changes.add,
  },
  () => pageOrigin,
  userId,
);
const widget = openWidget((event) => port.post(event));

function openPort(): void {
  port = openWindowPort(widget.receive, window.parent, allowedOrigins, handleHandshake, handleClosed);
}

function handleHandshake(origin: string): void {
  pageOrigin = origin;
  widget.close();
}

function handleClosed(): void {
  widget.close();
  if (!isDisconnected) openPort();
}

const controls: FakeWidgetDocument = {
  announce: changes.emit,
  disconnect() {
    isDisconnected = true;
    port.close();
  },
  reconnect() {
    if (!isDisconnected) return;
    isDisconnected = false;
    openPort();
  },
};
Object.assign(globalThis, { [`${binding}Document`]: controls });

logRejectedOrigins(window.parent, allowedOrigins);
openPort();
