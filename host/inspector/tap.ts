/** Records of a connector, with the handshakes and loads of the iframe. */
import type { Connector, ConnectorRecord, LiveState } from "../connector.ts";

/** Steps of penpal's handshake that come from the widget's window. */
const STEPS = ["SYN", "ACK1", "ACK2"] as const;

/** A record of the connector, or an observation of the tap. `at` is milliseconds since 1970. */
export type TapRecord =
  | ConnectorRecord
  | { readonly kind: "handshake"; readonly at: number; readonly step: (typeof STEPS)[number] }
  | { readonly kind: "frame"; readonly at: number }
  | { readonly kind: "live"; readonly at: number; readonly state: LiveState };

/** Prefix of the ids of the inspector's own requests. Taps leave these requests out. */
export const OWN_ID = "availability-inspector-";

/**
 * Calls `onRecord` with each record until the returned function is called.
 *
 * @param earlier earlier records of the connector, reported first.
 */
export function openTap(
  connector: Connector,
  earlier: readonly ConnectorRecord[],
  onRecord: (record: TapRecord) => void,
): () => void {
  const report = (record: TapRecord): void => {
    if (!isOwn(record)) onRecord(record);
  };
  const handleMessage = ({ data, source }: MessageEvent<unknown>): void => {
    const step = readStep(data);
    if (step && isWidgetWindow(source)) report({ kind: "handshake", at: Date.now(), step });
  };
  // A load does not bubble.
  const handleLoad = ({ target }: Event): void => {
    if (target instanceof HTMLIFrameElement && isWidget(target)) report({ kind: "frame", at: Date.now() });
  };

  for (const record of earlier) report(record);
  addEventListener("message", handleMessage);
  document.addEventListener("load", handleLoad, true);
  const stopRecords = connector.observe(report);
  const stopLive = connector.onLiveChange((state) => report({ kind: "live", at: Date.now(), state }));
  return () => {
    removeEventListener("message", handleMessage);
    document.removeEventListener("load", handleLoad, true);
    stopRecords();
    stopLive();
  };
}

function isOwn(record: TapRecord): boolean {
  return "event" in record && String(record.event.meta?.id).startsWith(OWN_ID);
}

/** Reads the step of penpal's handshake. Returns `undefined` for other messages of the page. */
function readStep(data: unknown): (typeof STEPS)[number] | undefined {
  if (typeof data !== "object" || data === null || !("namespace" in data) || data.namespace !== "penpal")
    return undefined;
  return "type" in data ? STEPS.find((step) => step === data.type) : undefined;
}

/** True for the window of a widget. A frame in a shadow root is not found, and counts. */
function isWidgetWindow(source: MessageEventSource | null): boolean {
  const frame = Array.from(document.querySelectorAll("iframe")).find(({ contentWindow }) => contentWindow === source);
  return frame ? isWidget(frame) : source !== window && Object(source).parent === window;
}

/** True for the iframe of a widget, mounted by the connector or by the page. */
function isWidget(frame: HTMLIFrameElement): boolean {
  return frame.src.includes("/widget/");
}
