#!/usr/bin/env bash
# Program:  zone.js 0.14.2 in jsdom 24.1.3, with no zone.js, and with zone.js 0.14.3, as the controls.
# Input:    a page adds a listener with the signal of an AbortController, aborts, and adds the same listener again.
# Expected: the next event calls the listener once. The DOM Standard says of `addEventListener` that an abort removes the
#           listener, and that a listener is only then left out if it is still in the list.
# Seen:     the listener is not called: for zone.js it is still there, while the browser has removed it.
# Exits:    0 if so, 1 if the behaviour has changed, 2 if a package could not be installed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true}' >package.json
npm install --no-audit --no-fund --loglevel=error jsdom@24.1.3 zone@npm:zone.js@0.14.2 mended@npm:zone.js@0.14.3 >/dev/null ||
  { echo "jsdom or zone.js cannot be installed" >&2; exit 2; }
cat >run.mjs <<'JS'
import { readFileSync } from "node:fs";
import { JSDOM } from "jsdom";

const INPUT = `(() => {
  let calls = 0;
  const listener = () => { calls += 1; };
  const controller = new AbortController();
  addEventListener("online", listener, { signal: controller.signal });
  controller.abort();
  addEventListener("online", listener);
  dispatchEvent(new Event("online"));
  return calls;
})()`;

/** Counts the calls of the listener in a page with the given copy of zone.js, or without one. */
function countCalls(zone) {
  const { window } = new JSDOM("<!doctype html>", { runScripts: "outside-only" });
  if (zone) window.eval(readFileSync(`node_modules/${zone}/bundles/zone.umd.js`, "utf8"));
  return window.eval(INPUT);
}

const calls = { without: countCalls(), mended: countCalls("mended"), zone: countCalls("zone") };
console.log(`without zone.js: called ${calls.without} times`);
console.log(`zone.js 0.14.3: called ${calls.mended} times`);
console.log(`zone.js 0.14.2: called ${calls.zone} times`);
if (calls.without !== 1 || calls.mended !== 1) {
  console.error("The controls show something else: the script is at fault");
  process.exit(2);
}
process.exit(calls.zone === 0 ? 0 : 1);
JS
node run.mjs
