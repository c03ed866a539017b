#!/usr/bin/env bash
# Program:  jsdom 26.1.0, with happy-dom 21.0.4 as the control.
# Input:    an iframe with the attribute `sandbox`, whose property `sandbox` is read.
# Expected: a DOMTokenList with the tokens of the attribute, as HTML's HTMLIFrameElement has it. jsdom has such lists for
#           other attributes of HTML, for example `relList` of a link.
# Seen:     the iframe has no such property, so that `iframe.sandbox.add(…)` throws.
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

/** Tokens of the list of an element, or the word for its absence. */
const tokens = (list) => (list ? [...list].join(" ") : "no list");

function read({ document }) {
  document.body.innerHTML = '<iframe sandbox="allow-scripts"></iframe><a rel="nofollow"></a>';
  return [tokens(document.querySelector("iframe").sandbox), tokens(document.querySelector("a").relList)];
}

const [sandbox, relList] = read(new JSDOM("<body></body>").window);
const [happySandbox] = read(new Window());
console.log(`jsdom: sandbox ${sandbox}, relList ${relList}`);
console.log(`happy-dom: sandbox ${happySandbox}`);
if (relList !== "nofollow" || happySandbox !== "allow-scripts") {
  console.error("The controls show something else: the script is at fault");
  process.exit(2);
}
process.exit(sandbox === "no list" ? 0 : 1);
JS
node run.mjs
