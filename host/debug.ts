/** Link between connectors and the developer's tools: debug log and inspector. */
import type { Connector, ConnectorRecord } from "./connector.ts";
import type { loadFile } from "./load-file.ts";

/** Set by the import of `availability-bridge/inspector`: receives each connector of the page, with the option `debug`. */
export type DebugHook = (connector: Connector, debug: boolean | undefined) => void;

/** Name of the symbol of the hook in `globalThis`, and of `TagRecords` on a page with the script tag. */
export const DEBUG_HOOK = "availability-bridge.debug";

/**
 * Data of the script tag for the tools: the connector's records before the load of the tools, a function that ends the recording, true to
 * show the inspector, true to write the debug log, the tag, and a function that loads a file beside the script.
 */
export type TagRecords = readonly [
  records: readonly ConnectorRecord[],
  stop: () => void,
  isInspected: boolean,
  isLogged: unknown,
  tag: HTMLScriptElement,
  load: typeof loadFile,
];

/** Reads the switch of the debug log in `localStorage`. Returns `undefined` without storage. */
export function readSwitch(): unknown {
  let value: unknown;
  try {
    value = localStorage["availability-bridge:debug"];
  } catch {
    // A page without storage, such as one in a sandbox.
  }
  return value;
}
