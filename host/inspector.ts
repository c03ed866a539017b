/**
 * Entry `availability-bridge/inspector`: inspector and debug log. After the import, later connectors write the debug log if the option `debug` or
 * the switch in `localStorage` is on. The import has no effect on a server.
 */
import { DEBUG_HOOK, type DebugHook, readSwitch } from "./debug.ts";
import { startDebugLog } from "./inspector/debug-log.ts";

export { startDebugLog } from "./inspector/debug-log.ts";
export { type InspectorOptions, mountInspector } from "./inspector/mount-inspector.ts";

const hook: DebugHook = (connector, debug) => {
  if (debug || readSwitch()) startDebugLog(connector);
};

Object.assign(globalThis, { [Symbol.for(DEBUG_HOOK)]: hook });
