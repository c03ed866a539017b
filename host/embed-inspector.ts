/** Entry of the tools' file, loaded by the script tag on demand: shows the inspector, or writes the debug log. */

import { DEBUG_HOOK, type TagRecords } from "./debug.ts";
import type {} from "./embed.ts";
import { startDebugLog } from "./inspector/debug-log.ts";
import { mountInspector } from "./inspector/mount-inspector.ts";

const shared: Record<symbol, TagRecords | undefined> = globalThis;

window.availabilityBridge?.push((connector) => {
  const [records, stop, isInspected] = shared[Symbol.for(DEBUG_HOOK)] ?? [];
  stop?.();
  if (isInspected) mountInspector(connector, records && { records });
  else startDebugLog(connector, records);
});
