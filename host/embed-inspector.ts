/**
 * Entry of the tools' file, loaded by the script tag on demand: shows the inspector, or writes the debug log, and loads the doctor's file for a
 * tag with `data-doctor`.
 */

import { DEBUG_HOOK, type TagRecords } from "./debug.ts";
import type {} from "./embed.ts";
import { startDebugLog } from "./inspector/debug-log.ts";
import { mountInspector } from "./inspector/mount-inspector.ts";

/** Name and integrity of the doctor's file beside the script, written by the build. */
declare const DOCTOR_FILE: string;
declare const DOCTOR_INTEGRITY: string;

const shared: Record<symbol, TagRecords | undefined> = globalThis;

window.availabilityBridge?.push((connector) => {
  const given = shared[Symbol.for(DEBUG_HOOK)];
  if (!given) return;
  const [records, stop, isInspected, isLogged, tag, load] = given;
  stop();
  if (isInspected) mountInspector(connector, { records });
  else if (isLogged) startDebugLog(connector, records);
  if (tag.dataset["doctor"] !== undefined) load(tag, DOCTOR_FILE, DOCTOR_INTEGRITY, () => 1);
});
