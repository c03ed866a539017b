/** Loads the developer's tools of the script tag on demand. */
import type { Connector, ConnectorRecord } from "./connector.ts";
import { DEBUG_HOOK, readSwitch, type TagRecords } from "./debug.ts";
import { loadFile } from "./load-file.ts";

/** Name and integrity of the tools' file beside the script, written by the build. */
declare const INSPECTOR_FILE: string;
declare const INSPECTOR_INTEGRITY: string;

/** Loads the tools if the page's address asks for the inspector and the tag allows it, if the debug log is on, or for the doctor. */
export function loadToolsOnDemand(tag: HTMLScriptElement, connector: Connector): void {
  const { debug, doctor, inspector } = tag.dataset;
  const isInspected = inspector === "allow" && /[?&]availability-inspector/.test(window.location.search);
  const isLogged = debug !== undefined || readSwitch();
  if (!isInspected && !isLogged && doctor === undefined) return;
  const records: ConnectorRecord[] = [];
  const stop = connector.observe((record) => records.push(record));
  const shared: Record<symbol, unknown> = globalThis;
  shared[Symbol.for(DEBUG_HOOK)] = [records, stop, isInspected, isLogged, tag, loadFile] satisfies TagRecords;
  loadFile(tag, INSPECTOR_FILE, INSPECTOR_INTEGRITY, () => 1);
}
