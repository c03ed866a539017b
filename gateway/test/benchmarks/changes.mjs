// @ts-check
/** Changes a user's status and measures when the last reader of a stream received each change. */
import { fileURLToPath } from "node:url";
import { openLoad, stayAwake, toRequest } from "./load.mjs";
import { openReaders } from "./readers.mjs";
import { GATEWAY, startServer } from "./server-process.mjs";
import { authorize, introduceUsers, writeSettings } from "./settings.mjs";

const BARE = fileURLToPath(new URL("bare/stream.mjs", import.meta.url));

const STATUSES = ["do_not_disturb", "available"];

/**
 * @typedef {object} Streamer a server with streams, whose user 1 can be changed
 * @property {import("./server-process.mjs").ServerProcess} server
 * @property {(count: number) => Promise<import("./readers.mjs").Readers>} open
 */

/**
 * Starts a gateway with one user.
 *
 * @param {Parameters<typeof writeSettings>[0]} [options]
 * @param {string} [program] @default the built gateway
 * @returns {Promise<Streamer>}
 */
export async function startStreamingGateway(options, program = GATEWAY) {
  const server = await startServer(program, writeSettings({ ...options, program }));
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

/** Returns requests that change user 1, each to a new status. */
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
 * Makes changes and waits until every reader has received them. A change is sent when every reader has received the
 * change `ahead` places before: with 1 each change is measured alone, with more the server is always busy.
 *
 * @param {Streamer} streamer
 * @param {{ readers: import("./readers.mjs").Readers, next: () => import("./load.mjs").Request, told: number, changes:
 * number, ahead: number }} options `told`: the number of changes that the readers have received before
 * @returns {Promise<{ elapsedMs: number, latenciesMs: number[] }>}
 */
export async function makeChanges({ server }, { readers, next, told, changes, ahead }) {
  /** @type {Promise<number>[]} */
  const latencies = [];
  // A new connection: an idle connection might have been closed while other sides were measured.
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
