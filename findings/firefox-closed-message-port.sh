#!/usr/bin/env bash
# Program:  Firefox ESR 153.8.0 (Debian 12), with Chromium 156.0.8078.108 (Debian 12) as the control.
# Input:    a page posts two messages over a MessageChannel. The listener of the other port closes its port at the first.
# Expected: the second message is not delivered. HTML says of `close()` that the port is disentangled and no longer
#           active, and Chromium delivers the first message alone.
# Seen:     Firefox calls the listener of the closed port with every message that was posted before it closed, also if
#           the port is closed before the first one is delivered.
# Exits:    0 if so, 1 if the behaviour has changed, 2 if a browser could not be run.
set -euo pipefail
firefox=153.8.0esr-1~deb12u1
chromium=156.0.8078.108-1~deb12u1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq "firefox-esr=$firefox" "chromium=$chromium" "chromium-common=$chromium" 2>/dev/null ||
  { echo "Debian's firefox-esr $firefox or chromium $chromium cannot be downloaded" >&2; exit 2; }
for package in *.deb; do dpkg -x "$package" . || exit 2; done
cat >run.mjs <<'JS'
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createServer } from "node:http";

const PAGE = `<!doctype html><title>Ports</title><script>
const wait = () => new Promise((resolve) => setTimeout(resolve, 500));
async function run(closeAtOnce) {
  const { port1, port2 } = new MessageChannel();
  const received = [];
  port1.onmessage = ({ data }) => { received.push(data); port1.close(); };
  port2.postMessage("first");
  port2.postMessage("second");
  if (closeAtOnce) port1.close();
  await wait();
  return received;
}
(async () => {
  const body = JSON.stringify({ agent: navigator.userAgent, inListener: await run(false), atOnce: await run(true) });
  await fetch("/", { method: "POST", body });
})();
</script>`;

/** Opens the page in a browser, and returns what it reports. */
async function open(program, argumentsOf, profile) {
  mkdirSync(profile);
  let report = (_text) => {};
  const reported = new Promise((resolve) => { report = resolve; });
  const server = createServer((request, response) => {
    if (request.method !== "POST") return void response.setHeader("Content-Type", "text/html").end(PAGE);
    let text = "";
    request.on("data", (part) => { text += part; }).on("end", () => { response.end(); report(text); });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const child = spawn(program, [...argumentsOf(profile), `http://127.0.0.1:${server.address().port}/`], { stdio: "ignore", env: { ...process.env, HOME: process.cwd() } });
  const timer = setTimeout(() => { console.log(`${program} does not report`); child.kill("SIGKILL"); process.exit(2); }, 60_000);
  const result = JSON.parse(await reported);
  clearTimeout(timer);
  const exited = new Promise((resolve) => child.on("exit", resolve));
  child.kill();
  await exited;
  server.closeAllConnections();
  server.close();
  console.log(`${result.agent.match(/Firefox\/[\d.]+|Chrome\/[\d.]+/)[0]}: closed in the listener: ${result.inListener.join(", ")}; closed at once: ${result.atOnce.join(", ") || "none"}`);
  return `${result.inListener} ${result.atOnce}`;
}

const control = await open("./usr/lib/chromium/chromium", (profile) => ["--headless=new", "--no-sandbox", "--disable-gpu", `--user-data-dir=${profile}`], `${process.cwd()}/chromium`);
const seen = await open("./usr/lib/firefox-esr/firefox-esr", (profile) => ["--headless", "--no-remote", "--profile", profile], `${process.cwd()}/firefox`);
if (control !== "first ") {
  console.log("The control delivers more than the first message: the script itself no longer works");
  process.exit(2);
}
process.exit(seen === "first,second first,second" ? 0 : 1);
JS
node run.mjs
