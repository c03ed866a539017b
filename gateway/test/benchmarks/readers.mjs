// @ts-check
/**
 * Readers of a stream on raw sockets, which count what they are told and keep nothing of it: a thousandth of what an
 * EventSource does, so that the server is what is measured.
 */
import { connect } from "node:net";

/** So many streams are opened at the same time. */
const OPENED_AT_ONCE = 200;

/** Every event's data is one flat object, and nothing else in a stream or its head holds this byte: it counts the events. */
const OBJECT_END = "}".charCodeAt(0);

/** Events of a snapshot of one user: reset, availability, current. */
const SNAPSHOT_EVENTS = 3;

/**
 * @typedef {object} Readers
 * @property {number} count
 * @property {(changes: number) => Promise<number>} whenAllHave resolves with the time at which the last reader had been told of so many changes
 * @property {() => number} bytes that were received in all
 * @property {() => void} close
 */

/**
 * Opens streams one after the other until there are `count`, and resolves when each has its snapshot.
 *
 * @param {string} origin
 * @param {import("./load.mjs").Request} request
 * @param {number} count
 * @returns {Promise<Readers>}
 */
export async function openReaders(origin, request, count) {
  const { hostname: host, port } = new URL(origin);
  // One for all of them: what is in it is counted before the next socket is read.
  const buffer = Buffer.allocUnsafe(64 * 1024);
  const seen = new Uint32Array(count);
  /** How many readers have been told of at least so many events. @type {number[]} */
  const reached = [];
  /** When the last reader was told of so many. @type {number[]} */
  const completedMs = [];
  /** @type {Map<number, ((timeMs: number) => void)[]>} */
  const waiting = new Map();
  /** @type {Error | undefined} */
  let failure;
  let isClosing = false;
  let bytes = 0;

  /** @param {number} index */
  function note(index) {
    const events = (seen[index] ?? 0) + 1;
    seen[index] = events;
    const readers = (reached[events] ?? 0) + 1;
    reached[events] = readers;
    if (readers < count) return;
    const timeMs = performance.now();
    completedMs[events] = timeMs;
    for (const resolve of waiting.get(events) ?? []) resolve(timeMs);
    waiting.delete(events);
  }

  /** @param {number} index */
  function open(index) {
    return new Promise((resolve, reject) => {
      const fail = (/** @type {string} */ why) => {
        failure ??= new Error(`${origin}: a stream ${why}`);
        if (isClosing) return;
        reject(failure);
        // A measurement that lost a reader would wait for it for ever.
        process.exitCode = 1;
        throw failure;
      };
      const socket = connect({
        host,
        port: Number(port),
        onread: {
          buffer,
          callback(length) {
            bytes += length;
            // Where the search ends: beyond it is what an earlier read has left.
            buffer[length] = OBJECT_END;
            for (let at = buffer.indexOf(OBJECT_END); at >= 0 && at < length; at = buffer.indexOf(OBJECT_END, at + 1)) {
              note(index);
              if (seen[index] === SNAPSHOT_EVENTS) resolve(undefined);
            }
            return true;
          },
        },
      });
      socket.on("error", ({ message }) => fail(message));
      socket.on("close", () => fail("was closed"));
      socket.write(request.bytes);
      sockets.push(socket);
    });
  }

  /** @type {import("node:net").Socket[]} */
  const sockets = [];
  for (let first = 0; first < count; first += OPENED_AT_ONCE) {
    const last = Math.min(count, first + OPENED_AT_ONCE);
    await Promise.all(Array.from({ length: last - first }, (_, index) => open(first + index)));
  }
  const received = () => bytes;
  return {
    count,
    bytes: received,
    whenAllHave(changes) {
      const events = changes + SNAPSHOT_EVENTS;
      const timeMs = completedMs[events];
      if (timeMs !== undefined) return Promise.resolve(timeMs);
      return new Promise((resolve) => waiting.set(events, [...(waiting.get(events) ?? []), resolve]));
    },
    close() {
      isClosing = true;
      for (const socket of sockets) socket.destroy();
    },
  };
}
