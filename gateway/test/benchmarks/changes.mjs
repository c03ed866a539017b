// @ts-check
/** Changes of a user's status, and when the last reader of a stream was told of each. */
import { fileURLToPath } from "node:url";
import { openLoad, stayAwake, toRequest } from "./load.mjs";
import { openReaders } from "./readers.mjs";
import { GATEWAY, startServer } from "./server-process.mjs";
import { authorize, introduceUsers, writeSettings } from "./settings.mjs";

const BARE = fileURLToPath(new URL("bare/stream.mjs", import.meta.url));

const STATUSES = ["do_not_disturb", "available"];

/**
 * @typedef {object} Streamer a server whose streams can be opened and whose user 1 can be changed
 * @property {import("./server-process.mjs").ServerProcess} server
 * @property {(count: number) => Promise<import("./readers.mjs").Readers>} open
 */

/**
 * A gateway with one user.
 *
 * @param {Parameters<typeof writeSettings>[0]} [options]
 * @returns {Promise<Streamer>}
 */
export async function startStreamingGateway(options) {
  const server = await startServer(GATEWAY, writeSettings(options));
  await introduceUsers(server.origin, [1]);
  return toStreamer(server);
}

/** @returns {Promise<Streamer>} */
export async function startBareStreamer() {
  // The gateway's cursor is the epoch in 12 digits, a hyphen and a number, which has one to four digits here.
  return toStreamer(await startServer(BARE, { BARE_CURSOR_LENGTH: "15" }));
}

/**
 * @param {import("./server-process.mjs").ServerProcess} server
 * @returns {Promise<Streamer>}
 */
export async function toStreamer(server) {
  const headers = { ...(await authorize()), Accept: "text/event-stream" };
  const request = toRequest("GET /v1/availabilities/stream", headers);
  return {
    server,
    open: (count) => openReaders(server.origin, request, count),
  };
}

/** Makes changes of user 1, each of which is one. */
export async function createChanges() {
  const headers = await authorize();
  const requests = STATUSES.map((status) => {
    return toRequest("PUT /v1/users/1/availability", headers, { body: JSON.stringify({ status }) });
  });
  let made = 0;
  return () => {
    const request = requests[made % requests.length];
    made += 1;
    if (!request) throw new Error("There is a status to change to");
    return request;
  };
}

/**
 * Makes changes and waits until every reader has been told of each. The next one is made when all have been told of the one
 * that is `ahead` before it: with 1 each is measured by itself, with more the server always has something to do.
 *
 * @param {Streamer} streamer
 * @param {{ readers: import("./readers.mjs").Readers, next: () => import("./load.mjs").Request, told: number, changes: number, ahead: number }} options `told`: how many the readers have been told of before
 * @returns {Promise<{ elapsedMs: number, latenciesMs: number[] }>}
 */
export async function makeChanges({ server }, { readers, next, told, changes, ahead }) {
  /** @type {Promise<number>[]} */
  const latencies = [];
  // A connection of its own: one that had waited while others were measured might have been closed.
  const load = await openLoad(server.origin, 1);
  const rest = stayAwake();
  const startedMs = performance.now();
  for (let change = 1; change <= changes; change += 1) {
    if (change > ahead) await readers.whenAllHave(told + change - ahead);
    const putMs = performance.now();
    latencies.push(readers.whenAllHave(told + change).then((timeMs) => timeMs - putMs));
    await load.ask(next());
  }
  const latenciesMs = await Promise.all(latencies);
  const elapsedMs = performance.now() - startedMs;
  rest();
  load.close();
  return { elapsedMs, latenciesMs };
}
