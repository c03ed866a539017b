#!/usr/bin/env bash
# Program:  happy-dom 21.0.4, with jsdom 26.1.0 as the control.
# Input:    a window of a page at https://crm.example.com/page.
# Expected: `origin` is "https://crm.example.com". HTML gives each window an `origin`, by its interface
#           WindowOrWorkerGlobalScope, and `location.origin` has the same text for such a page.
# Seen:     `origin` is undefined, while `location.origin` has the text.
# Exits:    0 if so, 1 if the behaviour has changed, 2 if a package could not be installed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true}' >package.json
npm install --no-audit --no-fund --loglevel=error happy-dom@21.0.4 jsdom@26.1.0 >/dev/null ||
  { echo "happy-dom or jsdom cannot be installed" >&2; exit 2; }
cat >run.mjs <<'JS'
import { Window } from "happy-dom";
import { JSDOM } from "jsdom";

const url = "https://crm.example.com/page";
const windows = { jsdom: new JSDOM("", { url }).window, "happy-dom": new Window({ url }) };
for (const [name, { origin, location }] of Object.entries(windows)) {
  console.log(`${name}: origin ${origin}, location.origin ${location.origin}`);
}
const { jsdom, "happy-dom": happy } = windows;
if (jsdom.origin !== "https://crm.example.com" || happy.location.origin !== jsdom.origin) {
  console.error("The controls show something else: the script is at fault");
  process.exit(2);
}
process.exit(happy.origin === undefined ? 0 : 1);
JS
node run.mjs
