/**
 * The waiting part of gateways: reads the changes of a Redis over as many connections, each at the pace of a gateway or
 * without a pace, as gateways read before. Listens so that the benchmark knows when all of them wait.
 */
import { createServer } from "node:http";
import { createClient } from "@redis/client";
import { delay } from "../../../delay.ts";
import { createStoreKeys } from "../../../store/redis/keys.ts";
import { createReadPace } from "../../../store/redis/read-pace.ts";
import { DEFAULT_KEY_PREFIX } from "../../../store/redis/redis-server-options.ts";

const { REDIS_URL = "", READERS = "0", IS_PACED = "" } = process.env;

const key = createStoreKeys(DEFAULT_KEY_PREFIX).changes;

async function openReader() {
  const client = createClient({ url: REDIS_URL });
  client.on("error", (error) => {
    throw error;
  });
  await client.connect();
  return client;
}

async function readChanges(client: Awaited<ReturnType<typeof openReader>>): Promise<never> {
  const { signal } = new AbortController();
  const pace = createReadPace({ monotonicMs: () => performance.now(), wait: delay });
  let id = "$";
  for (;;) {
    const reply = await client.xRead({ key, id }, { BLOCK: 1_000, COUNT: 1_000 });
    const messages = reply?.[0]?.messages ?? [];
    id = messages.at(-1)?.id ?? id;
    if (IS_PACED) await pace(messages.length, signal);
  }
}

const clients = await Promise.all(Array.from({ length: Number(READERS) }, openReader));
for (const client of clients) void readChanges(client);
createServer().listen(0, "127.0.0.1");
process.once("SIGTERM", () => process.exit(0));
