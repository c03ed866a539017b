#!/usr/bin/env bash
# Program:  Caddy 2.6.2 (Debian 12), a `reverse_proxy` with `lb_try_duration 5s` and active health checks.
# Input:    an upstream that fails its health check for a second and a half, then passes it. It serves all that time, and
#           receives nothing. Meanwhile a client sends a GET and a PUT.
# Expected: both wait until the upstream is healthy, and are served. By its documentation `lb_try_duration` is the time to
#           look for an available upstream for each request, and `lb_retry_match`, by default GET alone, counts for requests
#           whose connection to an upstream was made.
# Seen:     the GET waits and is served. The PUT gets 503 within milliseconds, although no upstream was asked for it.
# Note:     while one of two upstreams is healthy a PUT is sent there. Reported in 2023 as issue 5838 of caddyserver/caddy, for
#           requests in general, and mended by its pull request 5841: Debian 12 has the version before.
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
import { createServer, request } from "node:http";
import { setTimeout as wait } from "node:timers/promises";

const listen = (server) => new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server.address().port)));

let isHealthy = true;
const checks = { true: 0, false: 0 };
const upstream = createServer((received, response) => {
  received.resume();
  if (received.url === "/health") checks[isHealthy] += 1;
  response.writeHead(received.url === "/health" && !isHealthy ? 503 : 200).end();
});
const upstreamPort = await listen(upstream);
const probe = createServer();
const port = await listen(probe);
await new Promise((resolve) => probe.close(resolve));

writeFileSync("Caddyfile", `{
 admin off
 auto_https off
}
http://127.0.0.1:${port} {
 reverse_proxy 127.0.0.1:${upstreamPort} {
  lb_try_duration 5s
  lb_try_interval 100ms
  health_uri /health
  health_interval 100ms
 }
}
`);
console.log(`Caddy ${execFileSync("./usr/bin/caddy", ["version"], { encoding: "utf8" }).trim()}`);
const caddy = spawn("./usr/bin/caddy", ["run", "--adapter", "caddyfile", "--config", "Caddyfile"], { stdio: "ignore", env: { HOME: process.cwd() } });

/** Sends a request, and returns its status and the time that it took. */
function send(method) {
  const startedMs = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path: "/", method }, (response) => {
      response.resume().on("end", () => resolve({ status: response.statusCode, ms: Math.round(performance.now() - startedMs) }));
    });
    sent.on("error", reject).end(method === "PUT" ? "{}" : undefined);
  });
}

/** Waits until Caddy has seen the upstream's present health twice. */
async function settle() {
  const enough = checks[isHealthy] + 2;
  for (let tries = 0; checks[isHealthy] < enough; tries += 1) {
    if (tries === 100 || caddy.exitCode !== null) process.exit(2);
    await wait(100);
  }
}

await settle();
const control = { GET: await send("GET"), PUT: await send("PUT") };
isHealthy = false;
await settle();
const sending = { GET: send("GET"), PUT: send("PUT") };
await wait(1500);
isHealthy = true;
const seen = { GET: await sending.GET, PUT: await sending.PUT };
caddy.kill();
for (const method of ["GET", "PUT"]) {
  console.log(`${method}: ${control[method].status} after ${control[method].ms} ms with a healthy upstream, ${seen[method].status} after ${seen[method].ms} ms without`);
}
if (control.GET.status !== 200 || control.PUT.status !== 200 || seen.GET.status !== 200 || seen.GET.ms < 1000) {
  console.log("A control is not served, or does not wait: the script itself no longer works");
  process.exit(2);
}
process.exit(seen.PUT.status === 503 && seen.PUT.ms < 1000 ? 0 : 1);
JS
node run.mjs
