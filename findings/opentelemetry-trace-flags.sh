#!/usr/bin/env bash
# Program:  @opentelemetry/core 2.12.1, its W3CTraceContextPropagator.
# Input:    the `traceparent` of a later version, whose flags are `ff`, and one whose flags are `03` as the control.
# Expected: `traceparent` with flags of two digits. https://www.w3.org/TR/trace-context/#traceparent-header: trace-flags = 2HEXDIGLC; a
#           vendor sets all flags to 0 that it does not know. The propagator accepts the header, as it should.
# Seen:     it writes the flags as `0ff`: three digits, which the propagator itself and every other reader reject, so that the trace ends.
# Exits:    0 if so, 1 if the behaviour has changed, 2 if the package could not be installed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
echo '{"private":true}' >package.json
npm install --no-audit --no-fund --loglevel=error @opentelemetry/api@1.9.1 @opentelemetry/core@2.12.1 >/dev/null ||
  { echo "@opentelemetry/core cannot be installed" >&2; exit 2; }
cat >run.cjs <<'JS'
const { ROOT_CONTEXT, defaultTextMapGetter, defaultTextMapSetter } = require("@opentelemetry/api");
const { W3CTraceContextPropagator } = require("@opentelemetry/core");

const propagator = new W3CTraceContextPropagator();

/** Reads a header, and writes it again. */
function forward(traceparent) {
  const headers = {};
  propagator.inject(propagator.extract(ROOT_CONTEXT, { traceparent }, defaultTextMapGetter), headers, defaultTextMapSetter);
  return headers.traceparent;
}

const ids = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7";
const [known, unknown] = [forward(`00-${ids}-03`), forward(`01-${ids}-ff`)];
console.log(`flags 03: ${known}`);
console.log(`flags ff: ${unknown}, read again: ${forward(unknown)}`);
if (known !== `00-${ids}-03`) {
  console.error("The control shows something else: the script is at fault");
  process.exit(2);
}
process.exit(unknown === `00-${ids}-0ff` ? 0 : 1);
JS
node run.cjs
