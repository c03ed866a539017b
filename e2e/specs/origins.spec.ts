/** Pages that may not use the widget. */
import type { Page } from "@playwright/test";
import { startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { ASK_123, connectorPage, expect } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { test } from "../fixtures/kept-page.ts";

/** Sends a request from a page that is not allowed, and returns the settlement. */
async function ask(page: Page, host: HostSite, src: string): Promise<unknown> {
  await page.goto(host.serve(connectorPage()));
  return page.evaluate(
    async ([address, event]) => {
      // One attempt: further attempts would load a widget that logs the rejection again.
      const connector = window.connect({ src: address, retryDelayMs: 60_000 });
      return connector.dispatch(event, { timeoutMs: 1_500 });
    },
    [src, ASK_123] as const,
  );
}

const UNAVAILABLE = {
  type: "API.FETCH_USER_AVAILABILITY_REJECTED",
  payload: {
    error: {
      code: "WIDGET_UNAVAILABLE",
      message: expect.stringMatching(/that the vendor allows http:\/\/localhost:\d+, and/),
      retryable: true,
    },
  },
  meta: { source: "bridge" },
};

test("a page that is not on the list cannot embed the widget, and reads its origin in the message", async ({
  page,
  host,
}) => {
  const backend = await startScriptedBackend({ answers: null, allowedOrigins: ["https://crm.example.com"] });
  expect(await ask(page, host, `${backend.origin}/widget/`)).toEqual(UNAVAILABLE);
  expect(backend.calls).toHaveLength(0);
  await backend.close();
});

/** Origins that resemble the given origin: a prefix, a different scheme, a longer and a shorter name. */
function lookAlikes(origin: string): readonly string[] {
  const { port } = new URL(origin);
  return [
    origin.slice(0, -1),
    `https://localhost:${port}`,
    `http://localhost.example:${port}`,
    `http://not-localhost:${port}`,
    "http://localhost",
  ];
}

for (const [list, take] of [
  ["a list of look-alike origins", lookAlikes],
  ["a list of one other origin", () => ["https://crm.example.com"]],
] as const) {
  test(`the widget itself rejects a page by ${list}, settles nothing and logs the rejection once`, async ({
    page,
    host,
  }) => {
    const backend = await startScriptedBackend({ answers: null, allowedOrigins: take(host.origin) });
    const src = `${backend.origin}/widget/`;
    // Without the policy, only the widget's own check is left.
    await page.route(src, async (route) => {
      const response = await route.fetch();
      const { "content-security-policy": _policy, ...headers } = response.headers();
      await route.fulfill({ response, headers });
    });
    const refused: string[] = [];
    page.on("console", (message) => {
      if (message.text().startsWith("availability-bridge: refused ")) refused.push(message.text());
    });
    expect(await ask(page, host, src)).toEqual(UNAVAILABLE);
    // Further messages of the page add no line.
    const widget = page.frames()[1];
    await widget?.evaluate(() => {
      document.body.dataset["heard"] = "";
      addEventListener("message", () => {
        document.body.dataset["heard"] += "+";
      });
    });
    await page.evaluate((target) => {
      for (let count = 0; count < 3; count++) window.frames[0]?.postMessage("hello", target);
    }, backend.origin);
    await expect.poll(() => widget?.evaluate(() => document.body.dataset["heard"])).toBe("+++");
    expect(refused).toEqual([
      `availability-bridge: refused ${host.origin}, which is not one of the allowed origins of this widget`,
    ]);
    expect(backend.calls).toHaveLength(0);
    await backend.close();
  });
}
