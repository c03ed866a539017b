/** The gateway's own stream of changes, with the headers that keep proxies from compressing it, in WebKit. */
import { expect, onTestFinished } from "vitest";
import { startLiveGateway } from "../../gateway/test/live-gateway.ts";
import { openConnected, test } from "./test.ts";

declare global {
  interface Window {
    /** Statuses of agent 123 that the page has received. */
    heardStatuses: string[];
  }
}

test("a watch follows an agent through a change over an open stream", async ({ page, host }) => {
  const live = await startLiveGateway({ allowedOrigins: [host.origin] });
  onTestFinished(live.close);
  await live.agents.set(123, { status: "available" });
  await openConnected(page, host, live.origin);
  await page.evaluate(() => {
    window.heardStatuses = [];
    window.connector.watch(123, ({ status }) => void window.heardStatuses.push(status));
  });
  const heard = () => page.evaluate(() => window.heardStatuses);
  await expect.poll(heard).toEqual(["available"]);
  await expect.poll(live.openStreams).toBe(1);
  await live.agents.set(123, { status: "in_call" });
  await expect.poll(heard).toEqual(["available", "in_call"]);
});
