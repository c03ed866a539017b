/** The gateway's widget document: loads, view, and policy. */
import type { Page } from "@playwright/test";
import { ASK_123, AVAILABLE, collectComplaints, connectorPage, expect, stopClock } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { test } from "../fixtures/kept-page.ts";

/** Opens a page that shows the widget in a container, sends a request, and sends a request for each further event. */
async function openVisible(page: Page, host: HostSite, origin: string): Promise<void> {
  await page.goto(host.serve(connectorPage('<div id="phone" style="width: 300px; height: 120px"></div>')));
  await page.evaluate((src) => {
    const container = document.querySelector("#phone");
    if (container) window.connector = window.connect({ src, container });
  }, `${origin}/widget/`);
}

test("a visible widget shows the availability of the latest request", async ({ page, host, backend }) => {
  const complaints = await collectComplaints(page);
  await openVisible(page, host, backend.origin);
  const status = page.frameLocator("#phone > iframe").locator(".selection");
  await page.evaluate((event) => window.connector.dispatch(event), ASK_123);
  await expect(status).toContainText("Agent 123: Available");
  await expect(status).toContainText("Can be called now");
  backend.answerWith({ status: 200, body: { userId: 123, status: "out_for_lunch", version: 8 } });
  await page.evaluate((event) => window.connector.dispatch(event), ASK_123);
  await expect(status).toContainText("Agent 123: Out for lunch");
  backend.answerWith(AVAILABLE);
  expect(complaints).toEqual([]);
});

test("a visible widget counts the wrap-up time down until the agent can be called", async ({ page, host, backend }) => {
  await stopClock(page);
  await openVisible(page, host, backend.origin);
  const body = { userId: 123, status: "available", wrapUpTimeConfig: 30, wrapUpTimeTtl: 12, version: 7 };
  backend.answerWith({ status: 200, body });
  await page.evaluate((event) => window.connector.dispatch(event), ASK_123);
  const status = page.frameLocator("#phone > iframe").locator(".selection");
  // The panel renders in a frame of animation, which only this clock gives. Its file may come later than the first one.
  await expect(async () => {
    await page.clock.runFor(20);
    await expect(status).toContainText("Agent 123: Wrapping up", { timeout: 50 });
  }).toPass();
  await expect(status).toContainText(/1[12] sec left/);
  await page.clock.runFor(5_000);
  await expect(status).toContainText(/[6-8] sec left/);
  await page.clock.runFor(8_000);
  await expect(status).toContainText("Can be called now");
});

test("a visible widget says that the availability could not be fetched", async ({ page, host, backend }) => {
  await openVisible(page, host, backend.origin);
  backend.answerWith({ status: 404, body: { title: "Not Found" } });
  await page.evaluate((event) => window.connector.dispatch(event), ASK_123);
  const status = page.frameLocator("#phone > iframe").locator(".selection");
  await expect(status).toContainText("The availability could not be fetched");
});

test("an invisible widget loads three resources before it answers, and never the view", async ({
  page,
  host,
  backend,
}) => {
  const complaints = await collectComplaints(page);
  const asked: string[] = [];
  page.on("request", (request) => {
    if (request.url().startsWith(backend.origin)) asked.push(new URL(request.url()).pathname);
  });
  await page.goto(
    host.serve(
      `<!doctype html><link rel="icon" href="data:,"><script async src="${backend.origin}/embed.js"></script>`,
    ),
  );
  const settle = (): Promise<string> =>
    page.evaluate(
      (event) =>
        new Promise<string>((resolve) => {
          window.availabilityBridge?.push(async (connector) => resolve((await connector.dispatch(event)).type));
        }),
      ASK_123,
    );
  expect(await settle()).toBe("API.FETCH_USER_AVAILABILITY_FULFILLED");
  const path = ["/embed.js", "/widget/", "/v1/users/123/availability"];
  expect(asked).toEqual(path);
  await settle();
  expect(asked).toEqual([...path, "/v1/users/123/availability"]);
  expect(complaints).toEqual([]);
});
