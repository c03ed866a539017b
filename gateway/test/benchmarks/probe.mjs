// @ts-check
/**
 * Runs in every measured process before its program (`node --import`): reports the program's address, and the used
 * resources when the parent process asks. A debugger would change the measurement, so none is attached.
 */
import { EventEmitter } from "node:events";
import { Server } from "node:net";

/** @typedef {{ cpuMs: number, heapBytes: number, residentBytes: number }} Usage */

/** Reports the first server of the process. After the report, the server's code runs unchanged. */
Server.prototype.emit = function emitUntilListening(event, ...values) {
  if (event === "listening") {
    Reflect.deleteProperty(Server.prototype, "emit");
    process.send?.({ address: this.address() });
  }
  return EventEmitter.prototype.emit.call(this, event, ...values);
};

process.on("message", (question) => {
  // Twice: the second collection frees objects that the first only marks for finalization.
  if (question === "collect") for (let pass = 0; pass < 2; pass += 1) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send?.({ cpuMs: (user + system) / 1000, heapBytes: heapUsed + external, residentBytes: rss });
});
// The channel alone must not keep a process alive after SIGTERM.
process.channel?.unref();
