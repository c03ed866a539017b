#!/usr/bin/env bash
# Program:  Caddy 2.6.2 (Debian 12), with `encode gzip` before `reverse_proxy`.
# Input:    an upstream that sends `text/event-stream`: one event as the first write, and a second event when asked to.
#           Once the first write has 512 bytes, once 513.
# Expected: both streams arrive event by event. `reverse_proxy` says in its documentation that it flushes at once if the
#           response is `text/event-stream`, and `encode` that it leaves bodies below `minimum_length` (512) alone.
# Seen:     the stream that begins with 512 bytes arrives as it is written, and is never compressed. The one that begins
#           with 513 bytes has its head with `Content-Encoding: gzip`, and no event arrives: the encoder is not flushed.
# Note:     a short first write alone is no way out: if the upstream writes the rest within about 1 ms, Caddy reads both
#           as one. `Content-Encoding: identity` is one, since `encode` leaves alone what has an encoding; the script
#           shows that too.
# Exits:    0 if so, 1 if the behaviour has changed, 2 if Caddy could not be run.
set -euo pipefail
version=2.6.2-5
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq "caddy=$version" 2>/dev/null || { echo "Debian's caddy $version cannot be downloaded" >&2; exit 2; }
dpkg -x caddy_*.deb . || exit 2
cat >run.mjs <<'JS'
import { execFileSync, spawn } from "node:child_process";
import { writeFileSync } from "node:fs";
import { createServer, get } from "node:http";
import { createConnection } from "node:net";
import { setTimeout as wait } from "node:timers/promises";

const listen = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

/** Open streams of the upstream, by their address. */
const streams = new Map();
const upstream = createServer((request, response) => {
  streams.set(request.url, response);
  const [, bytes, encoding] = request.url.split("/");
  response.writeHead(200, { "Content-Type": "text/event-stream", ...(encoding && { "Content-Encoding": encoding }) });
  response.write(`data: ${"x".repeat(Number(bytes) - 8)}\n\n`);
});
const upstreamPort = await listen(upstream);
const probe = createServer();
const port = await listen(probe);
await new Promise((resolve) => probe.close(resolve));

writeFileSync("Caddyfile", `{\n admin off\n auto_https off\n}\nhttp://127.0.0.1:${port} {\n encode gzip\n reverse_proxy 127.0.0.1:${upstreamPort}\n}\n`);
console.log(`Caddy ${execFileSync("./usr/bin/caddy", ["version"], { encoding: "utf8" }).trim()}`);
const caddy = spawn("./usr/bin/caddy", ["run", "--adapter", "caddyfile", "--config", "Caddyfile"], { stdio: "ignore", env: { HOME: process.cwd() } });
const accepts = () => new Promise((resolve) => {
  const socket = createConnection(port, "127.0.0.1", () => resolve(socket.destroy() !== undefined));
  socket.on("error", () => resolve(false));
});
for (let tries = 0; !(await accepts()); tries += 1) {
  if (tries === 100 || caddy.exitCode !== null) process.exit(2);
  await wait(100);
}

/** Opens a stream whose first write has the bytes. Returns what has come after the second event and 3 s. */
async function read(bytes, ownEncoding = "") {
  const path = `/${bytes}/${ownEncoding}`;
  let received = 0;
  const encoding = await new Promise((resolve) => {
    get({ port, host: "127.0.0.1", path, headers: { "Accept-Encoding": "gzip" } }, (response) => {
      response.on("data", (part) => { received += part.length; });
      resolve(response.headers["content-encoding"] ?? "none");
    });
  });
  await wait(1000);
  const first = received;
  streams.get(path).write("data: second\n\n");
  await wait(2000);
  const second = received - first;
  console.log(`first write of ${bytes} bytes, sent with encoding ${ownEncoding || "none"}: received with encoding ${encoding}, ${first} bytes after 1 s, ${second} more after the second event`);
  return { encoding, first, second };
}

const control = await read(512);
const long = await read(513);
const identity = await read(513, "identity");
caddy.kill();
const isForwarded = control.first === 512 && control.second > 0 && identity.first === 513 && identity.second > 0;
if (control.encoding !== "none" || !isForwarded) {
  console.log("A control is not forwarded: the script itself no longer works");
  process.exit(2);
}
// gzip's own head has 10 bytes, which may come alone.
process.exit(long.encoding === "gzip" && long.first <= 10 && long.second === 0 ? 0 : 1);
JS
node run.mjs
