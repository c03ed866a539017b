/**
 * Many loaded customers, and a change stream as Redis sends it, without Redis: each request makes as many changes as its
 * path says, spread evenly, and is answered with the size of the history.
 */
import { createServer } from "node:http";
import { systemClock } from "../../../clock.ts";
import { createChangeStream } from "../../../store/redis/change-stream.ts";
import { createRedisClock } from "../../../store/redis/redis-clock.ts";
import { createReplica, emptyContents } from "../../../store/replica.ts";

const CUSTOMERS = 500;
const AGENTS_EACH = 10;

const stream = createChangeStream({
  epoch: "abcdef012345",
  attachPosition: 0,
  historyLength: Number(process.env["HISTORY_LENGTH"]),
  clock: systemClock,
  log: { warning: console.error },
});
const clock = createRedisClock();
clock.observe(Date.now(), performance.now(), performance.now());
for (let index = 0; index < CUSTOMERS; index += 1) {
  const contents = emptyContents(stream.epoch, stream.position, stream.historyOf(`customer-${index}`));
  stream.subscribe(`customer-${index}`, createReplica(contents));
}

function appendChange(): void {
  const position = stream.position() + 1;
  const message = {
    customer: `customer-${position % CUSTOMERS}`,
    userId: `${1 + (Math.floor(position / CUSTOMERS) % AGENTS_EACH)}`,
    version: `${1_700_000_000_000 + position}`,
    updatedAt: `${1_700_000_000_000 + position}`,
    status: position % 2 ? "available" : "in_call",
    wrapUpSeconds: "30",
    wrapUpEndsAt: `${1_700_000_000_000 + position}`,
  };
  // A reply of Redis brings texts of its own for each entry, which share nothing.
  const copied: Record<string, string> = {};
  for (const [name, value] of Object.entries(message)) copied[name] = Buffer.from(value).toString("latin1");
  stream.append([{ id: `${position}-0`, message: copied }], clock);
}

createServer((request, response) => {
  const changes = Number(request.url?.slice(1));
  for (let change = 0; change < changes; change += 1) appendChange();
  response.end(JSON.stringify(stream.historySize()));
}).listen(0, "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
