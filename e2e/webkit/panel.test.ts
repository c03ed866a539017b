/** The widget's own view of the team, in WebKit: it opens, lists, searches, and sets the own status. */
import { expect, onTestFinished } from "vitest";
import { toToken } from "../../gateway/test/golden-exchanges.ts";
import { startLiveGateway } from "../../gateway/test/live-gateway.ts";
import { accessOf } from "../../gateway/test/test-gateway.ts";
import { connectorPage } from "../fixtures/host-page.ts";
import { test } from "./test.ts";

const CLAIMS = { sub: "1", scope: "availability:read availability:write" };

test("the panel shows the team in the page's theme, finds an agent, and sets a status that the page receives", async ({
  page,
  host,
}) => {
  const live = await startLiveGateway({ allowedOrigins: [host.origin], access: accessOf(1) });
  onTestFinished(live.close);
  await live.agents.set(1, { status: "available" });
  await live.agents.set(2, { status: "in_call" });
  await live.agents.set(3, { status: "out_for_lunch" });
  await page.open(host.serve(connectorPage('<div id="phone" lang="fr" style="width: 340px; height: 480px"></div>')));
  await page.evaluate(
    (src, token) => {
      const container = document.querySelector("#phone");
      if (!container) throw new Error("expected the container");
      window.connector = window.connect({ src, container, theme: "dark #7a1fa2", fetchToken: () => token });
      window.heardStatuses = [];
      window.connector.watch(1, ({ status }) => void window.heardStatuses.push(status));
    },
    `${live.origin}/widget/`,
    // The gateway takes each token for agent 1's.
    toToken(CLAIMS),
  );
  const readTexts = (selector: string) =>
    page.evaluateInFrame(0, (css) => Array.from(document.querySelectorAll(css), (each) => each.textContent), selector);
  const readAgents = () => readTexts('[role="option"] .name');
  await expect.poll(readAgents).toEqual(["Agent 1 Vous", "Agent 2", "Agent 3"]);
  expect(await readTexts(".connection")).toEqual([expect.stringContaining("1")]);
  const colorScheme = await page.evaluateInFrame(0, () => getComputedStyle(document.documentElement).colorScheme);
  expect(colorScheme).toBe("dark");

  await page.clickInFrame(0, '[type="search"]');
  await page.type("3");
  await expect.poll(readAgents).toEqual(["Agent 3"]);
  await page.type("\uE003");
  await expect.poll(readAgents).toHaveLength(3);

  await page.clickInFrame(0, '[role="option"][id="agent-2"]');
  await expect.poll(() => readTexts(".selection-title")).toEqual([expect.stringContaining("Agent 2")]);

  await page.clickInFrame(0, "#own-status option:nth-of-type(2)");
  await expect.poll(() => page.evaluate(() => window.heardStatuses)).toEqual(["available", "do_not_disturb"]);
  await expect.poll(readAgents).toEqual(["Agent 2", "Agent 1 Vous", "Agent 3"]);
});
