// @ts-check
/**
 * Opens connections to a port of this machine and says nothing on them: `node idle-connections.mjs <port> <count>`.
 * Prints `open <count>` once all of them stand, and `closed <count>` once it has closed them all.
 */
import { connect } from "node:net";

const [port = 0, count = 0] = process.argv.slice(2).map(Number);

/** Not more at a time than a listening socket lets wait. */
const AT_ONCE = 200;

let begun = 0;
let open = 0;
let closed = 0;

for (let index = 0; index < AT_ONCE; index += 1) openNext();

function openNext() {
  if (begun === count) return;
  begun += 1;
  const socket = connect({ port, host: "127.0.0.1" }, () => {
    open += 1;
    if (open === count) console.log(`open ${count}`);
    openNext();
  });
  socket.on("error", (error) => console.error(error.message));
  socket.on("close", () => {
    closed += 1;
    if (closed === count) console.log(`closed ${count}`);
  });
  socket.resume();
}
