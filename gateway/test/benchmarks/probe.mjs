// @ts-check
/**
 * Loaded into every measured process before its program (`node --import`): tells its parent where the program listens, and
 * what the process has used when the parent asks. No debugger is attached, which would change what is measured.
 */
import { EventEmitter } from "node:events";
import { Server } from "node:net";

/** @typedef {{ cpuMs: number, heapBytes: number, residentBytes: number }} Usage */

/** The first server of the process; from then on nothing is in its way. */
Server.prototype.emit = function emitUntilListening(event, ...values) {
  if (event === "listening") {
    Reflect.deleteProperty(Server.prototype, "emit");
    process.send?.({ address: this.address() });
  }
  return EventEmitter.prototype.emit.call(this, event, ...values);
};

process.on("message", (question) => {
  // Twice: what a first pass only marks for finalization is freed by the second.
  if (question === "collect") for (let pass = 0; pass < 2; pass += 1) globalThis.gc?.();
  const { user, system } = process.cpuUsage();
  const { heapUsed, external, rss } = process.memoryUsage();
  process.send?.({ cpuMs: (user + system) / 1000, heapBytes: heapUsed + external, residentBytes: rss });
});
// The channel alone must not keep alive a process that was told to end.
process.channel?.unref();
