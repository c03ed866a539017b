// @ts-check
/**
 * Opens idle connections to a port of this machine: `node idle-connections.mjs <port> <count>`. Prints `open <count>`
 * once every connection is open, and `closed <count>` once the server has closed every connection.
 */
import { connect } from "node:net";

const [port = 0, count = 0] = process.argv.slice(2).map(Number);

/** At most as many at a time as the backlog of a listening socket. */
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
