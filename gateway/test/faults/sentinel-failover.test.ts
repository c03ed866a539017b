/** Two gateways over a primary that Sentinels replace, with readers, writers and streams all the time. */
import { test } from "vitest";
import { hasSentinel, PRIMARY_NAME, startSentinelGroup } from "../sentinel-group.ts";
import { startBusyGateways } from "./busy-gateways.ts";

test.skipIf(!hasSentinel).each([
  ["its primary is killed", "kill"],
  ["an operator replaces its primary", "command"],
])("two gateways serve on and lose nothing while %s", async (_, cause) => {
  const group = await startSentinelGroup();
  const { expectContinuation } = await startBusyGateways({
    REDIS_URL: group.url,
    REDIS_MODE: "sentinel",
    REDIS_SENTINEL_NAME: PRIMARY_NAME,
    REDIS_KEY_PREFIX: "calls",
  });
  const former = await group.primary();
  if (cause === "kill") await former.kill();
  else await group.sentinels[0]?.command(["SENTINEL", "FAILOVER", PRIMARY_NAME]);
  await expectContinuation(group.primary, former);
});
