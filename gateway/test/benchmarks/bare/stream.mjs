// @ts-check
/**
 * A bare writer of server-sent events with the gateway's bytes: a list of responses, and every change is written to
 * each response.
 */
import { createServer } from "node:http";

/** As long as the gateway's cursors. */
const CURSOR_LENGTH = Number(process.env["BARE_CURSOR_LENGTH"]);

/** @type {Set<import("node:http").ServerResponse>} */
const readers = new Set();
let changes = 0;
let current = describe("available");

const server = createServer({ keepAliveTimeout: 65_000 }, (request, response) => {
  if (request.method === "PUT") return void change(request, response);
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.write(
    `event: reset\ndata: {}\n\nevent: availability\ndata: ${current}\n\nevent: current\nid: ${cursor()}\ndata: {}\n\n`,
  );
  readers.add(response);
  response.on("close", () => readers.delete(response));
});
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  console.log(`Bare stream listening on http://127.0.0.1:${typeof address === "object" ? address?.port : ""}`);
});
process.once("SIGTERM", () => process.exit());

/**
 * @param {import("node:http").IncomingMessage} request
 * @param {import("node:http").ServerResponse} response
 */
async function change(request, response) {
  let body = "";
  for await (const chunk of request.setEncoding("utf8")) body += chunk;
  changes += 1;
  current = describe(JSON.parse(body).status);
  const text = Buffer.from(`event: availability\nid: ${cursor()}\ndata: ${current}\n\n`);
  for (const reader of readers) reader.write(text);
  response.writeHead(200, { "Content-Type": "application/json" }).end(current);
}

function cursor() {
  return `${changes}`.padStart(CURSOR_LENGTH, "0");
}

/** @param {string} status */
function describe(status) {
  const version = Date.now();
  return JSON.stringify({ userId: 1, status, version, updatedAt: version });
}
