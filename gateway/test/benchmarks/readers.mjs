// @ts-check
/**
 * Readers of a stream on raw sockets, which count events and store none. A reader does a thousandth of an EventSource's
 * work, so the figures are the server's.
 */
import { connect } from "node:net";

/** The number of streams opened at once. */
const OPENED_AT_ONCE = 200;

/**
 * Occurs once in every event, since the data is a flat object, and nowhere else in a stream or its head: the number of
 * these bytes is the number of events.
 */
const OBJECT_END = "}".charCodeAt(0);

/** Events of a snapshot of one user: reset, availability, current. */
const SNAPSHOT_EVENTS = 3;

/**
 * @typedef {object} Readers
 * @property {number} count
 * @property {(changes: number) => Promise<number>} whenAllHave resolves with the time at which the last reader had
 * received the given number of changes
 * @property {() => number} bytes received in total
 * @property {() => void} close
 */

/**
 * Opens streams until there are `count`, and resolves when each has its snapshot.
 *
 * @param {string} origin
 * @param {import("./load.mjs").Request} request
 * @param {number} count
 * @returns {Promise<Readers>}
 */
export async function openReaders(origin, request, count) {
  const { hostname: host, port } = new URL(origin);
  // A buffer for all sockets: the events in the buffer are counted before the next socket is read.
  const buffer = Buffer.allocUnsafe(64 * 1024);
  const seen = new Uint32Array(count);
  /** Number of readers that have received at least so many events, by the number of events. @type {number[]} */
  const reached = [];
  /** Time at which the last reader received so many events, by the number of events. @type {number[]} */
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
        // A measurement that lost a reader would wait forever.
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
            // End of the search: the bytes beyond are from an earlier read.
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
