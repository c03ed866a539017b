/**
 * A memory store with the given number of agents and a full history. Listens so that the benchmark can ask for its
 * memory use.
 */
import { createServer } from "node:http";
import { createMemoryStore } from "../../../store/memory-store.ts";

const HISTORY_LENGTH = 10_000;

const store = createMemoryStore({ historyLength: HISTORY_LENGTH });
const agents = store.forCustomer("bench");
for (let change = 0; change < HISTORY_LENGTH; change += 1) {
  await agents.set(1, { status: change % 2 === 0 ? "available" : "in_call" });
}
for (let userId = 1; userId <= Number(process.env["AGENTS"]); userId += 1) {
  await agents.set(userId, { status: "offline", wrapUp: { configuredSeconds: 30, leftSeconds: 0 } });
}
// The history holds the last changes, regardless of the users, so its size is equal in every process.
for (let change = 0; change < HISTORY_LENGTH; change += 1) {
  await agents.set(1, { status: change % 2 === 0 ? "available" : "in_call" });
}
createServer().listen(0, "127.0.0.1");
process.once("SIGTERM", () => process.exit(Number(store.isReady()) - 1));
