/**
 * Makes changes through the store of a gateway, at an even rate. `GET /<changes>` makes so many and responds when they are
 * made.
 */
import { once } from "node:events";
import { createServer } from "node:http";
import { setTimeout as elapse } from "node:timers/promises";
import { singleRedis } from "../../../store/redis/redis-server-options.ts";
import { createRedisStore } from "../../../store/redis-store.ts";

const { REDIS_URL = "", CHANGES_PER_SECOND = "500" } = process.env;

/** Time between two parts of the changes, in milliseconds. */
const STEP_MS = 10;

const store = createRedisStore({ server: singleRedis(REDIS_URL), log: { line: () => {}, warning: console.error } });
await store.whenReady(new AbortController().signal);
const agents = store.forCustomer("bench");
let made = 0;

async function change(): Promise<void> {
  made += 1;
  await agents.set((made % 100) + 1, { status: made % 200 < 100 ? "available" : "in_call" });
}

async function makeChanges(count: number): Promise<void> {
  const startedMs = performance.now();
  const pending: Promise<void>[] = [];
  while (pending.length < count) {
    const due = Math.min(count, ((performance.now() - startedMs) / 1000) * Number(CHANGES_PER_SECOND));
    while (pending.length < due) pending.push(change());
    await elapse(STEP_MS);
  }
  await Promise.all(pending);
}

const server = createServer((request, response) => {
  void makeChanges(Number(request.url?.slice(1))).then(() => response.end());
});
server.listen(0, "127.0.0.1");
await once(process, "SIGTERM");
process.exit(0);
