/** The demo page in a user's hands, over the running gateway. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import AxeBuilder from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";
import { expect } from "../fixtures/fixtures.ts";
import { test } from "../fixtures/kept-page.ts";

/** Parts of the page, by the names that a screen reader reads. */
interface Demo {
  readonly result: Locator;
  readonly card: Locator;
  readonly code: Locator;
  readonly entries: Locator;
  press(name: string): Promise<void>;
}

async function openDemo(page: Page, address: string): Promise<Demo> {
  await page.goto(address);
  await expect(page.getByRole("status", { name: "Connection" })).toHaveText("Ready");
  return {
    result: page.getByRole("status", { name: "Availability" }),
    card: page.locator("#result-card"),
    code: page.locator('#result [data-part="code"]'),
    entries: page.locator("#log-entries > li > details"),
    press: (name) => page.getByRole("button", { name, exact: true }).click(),
  };
}

test("shows that agent 123 can be called", async ({ page, demoAddress }) => {
  const demo = await openDemo(page, demoAddress);
  await demo.press("Agent 123");
  await expect(demo.card).toHaveAttribute("data-tone", "available");
  await expect(demo.result).toContainText("Available");
  await expect(demo.result.locator('[data-part="callable"]')).toHaveText("Yes");
  await expect(demo.result.locator('[data-part="wrap-up"]')).toHaveText("0 s of 30 s");
});

test("sends a request on Enter in the field", async ({ page, demoAddress }) => {
  const demo = await openDemo(page, demoAddress);
  const field = page.getByLabel("Agent id");
  await field.fill("105");
  await field.press("Enter");
  await expect(demo.card).toHaveAttribute("data-tone", "in_call");
  await expect(demo.result).toContainText("Agent 105");
});

test("sends a request by the Fetch button", async ({ page, demoAddress }) => {
  const demo = await openDemo(page, demoAddress);
  await demo.press("Fetch");
  await expect(demo.card).toHaveAttribute("data-tone", "available");
});

test("shows the backend's 404 for an unknown user", async ({ page, demoAddress }) => {
  const demo = await openDemo(page, demoAddress);
  await demo.press("Unknown user");
  await expect(demo.card).toHaveAttribute("data-tone", "failed");
  await expect(demo.result.locator('[data-part="status"]')).toHaveText("404");
  await expect(demo.result.locator('[data-part="rejected-by"]')).toHaveText("Backend");
});

test("shows the bridge's rejection of an invalid id", async ({ page, demoAddress }) => {
  const demo = await openDemo(page, demoAddress);
  await demo.press("Invalid id");
  await expect(demo.code).toHaveText("INVALID_REQUEST");
  await expect(demo.result.locator('[data-part="rejected-by"]')).toHaveText("Bridge");
  await expect(demo.result.locator('[data-part="message"]')).toContainText("payload.variables.userId");
});

test("cancels a slow request on Cancel", async ({ page, demoAddress }) => {
  const demo = await openDemo(page, demoAddress);
  await demo.press("Slow backend");
  await expect(demo.card).toHaveAttribute("data-tone", "pending");
  await demo.press("Cancel");
  await expect(demo.card).toHaveAttribute("data-tone", "cancelled");
  await expect(page.getByRole("button", { name: "Cancel" })).toBeHidden();
});

test("shows that the backend is down, and works again once it is back", async ({ page, demoAddress }) => {
  const demo = await openDemo(page, demoAddress);
  await demo.press("Backend down");
  await expect(demo.code).toHaveText("BACKEND_UNREACHABLE");
  await demo.press("Start backend");
  await expect(demo.card).toHaveAttribute("data-tone", "available");
  await demo.press("Agent 123");
  await expect(demo.card).toHaveAttribute("data-tone", "available");
});

test("gives a valid token to its own page and to no other", async ({ page, request, demoAddress }) => {
  await openDemo(page, demoAddress);
  const tag = page.locator("script[data-token-url]");
  const url = await tag.getAttribute("data-token-url");
  const token = await page.evaluate(async (path) => (await (await fetch(path ?? "")).json()).token, url);
  const gateway = new URL((await tag.getAttribute("src")) ?? "").origin;
  const read = async (bearer: string): Promise<number> => {
    const headers = { Authorization: `Bearer ${bearer}` };
    return (await request.get(`${gateway}/v1/users/123/availability`, { headers })).status();
  };
  expect(await read(token)).toBe(200);
  expect(await read(`${token}x`)).toBe(401);
  for (const site of ["cross-site", "same-site", "none"]) {
    const answer = await request.get(`${demoAddress}${url}`, { headers: { "Sec-Fetch-Site": site } });
    expect(answer.status()).toBe(403);
    expect(await answer.text()).toBe("");
  }
  expect((await request.post(`${demoAddress}${url}`)).status()).toBe(403);
});

test("logs sent and settled events, newest first, until it is cleared", async ({ page, demoAddress }) => {
  const demo = await openDemo(page, demoAddress);
  // The log also has the connector's registration, if the page listens early enough, and the team's events.
  const entries = demo.entries.filter({ hasNotText: /BUS.REGISTER|AVAILABILITIES|CHANGED/ });
  await demo.press("Agent 123");
  await expect(entries).toHaveCount(2);
  await demo.press("Invalid id");
  await expect(entries).toHaveCount(4);
  const kinds = await entries.evaluateAll((all) => all.map((entry) => entry.getAttribute("data-kind")));
  expect(kinds).toEqual(["rejected", "sent", "settled", "sent"]);
  await entries.first().locator("summary").click();
  await expect(entries.first().locator("pre")).toContainText('"INVALID_REQUEST"');
  await demo.press("Clear");
  await expect(demo.entries).toHaveCount(0);
  await expect(page.getByText("No events")).toBeVisible();
});

test("shows the team live, as `npm run simulate` changes it until it is interrupted", async ({ page, demoAddress }) => {
  await openDemo(page, demoAddress);
  const badges = page.locator("#team-list availability-badge");
  await expect(page.getByRole("status", { name: "Team" })).toHaveText("Live");
  await expect(badges).toHaveCount(13);
  await expect(page.locator("#team-list li", { hasText: "Idris Kallay" })).toContainText("Available");
  await expect(page.locator("#team-count")).toHaveText("3 of 13 can take a call");
  const simulation = spawn(process.execPath, ["scripts/demo/simulate.mjs", "--per-second", "20", "--seed", "1"], {
    env: { ...process.env, DEMO_PORT: new URL(demoAddress).port },
  });
  let said = "";
  simulation.stdout.setEncoding("utf8").on("data", (text: string) => {
    said += text;
  });
  const changed = () => [...said.matchAll(/^Agent (\d+): (\w+)$/gm)];
  await expect.poll(() => changed().length, { timeout: 20_000 }).toBeGreaterThan(30);
  const ended = once(simulation, "close");
  simulation.kill("SIGINT");
  expect(await ended).toEqual([0, null]);
  const changes = changed();
  expect(said).toContain(`${changes.length} changes`);
  const last = new Map(changes.map(([, userId, status]) => [userId, status]));
  // The agent in wrap-up time.
  last.delete("124");
  for (const [userId, status] of last) {
    const callable = String(status === "available");
    await expect(page.locator(`#team-list [user-id="${userId}"]`)).toHaveAttribute("data-callable", callable);
  }
});

test("says that the team may be out of date while the backend is down, and is live again after", async ({
  page,
  demoAddress,
}) => {
  const demo = await openDemo(page, demoAddress);
  const note = page.getByRole("status", { name: "Team" });
  await expect(note).toHaveText("Live");
  await demo.press("Backend down");
  await expect(note).toContainText("may be out of date");
  await demo.press("Start backend");
  await expect(note).toHaveText("Live");
});

test("gives an operator's token to programs but to no page", async ({ page, request, demoAddress }) => {
  await openDemo(page, demoAddress);
  const path = "/demo/operator-token";
  expect(await page.evaluate(async (url) => (await fetch(url, { method: "POST" })).status, path)).toBe(403);
  expect((await request.post(`${demoAddress}${path}`)).status()).toBe(200);
});

test("has no accessibility violations before, after and on a failure", async ({ page, demoAddress }) => {
  // Compiling the scanner, in each frame for each scan, takes longer than the scan itself.
  test.slow();
  const demo = await openDemo(page, demoAddress);
  const scan = async (): Promise<void> => {
    // The scanner's types come from its own Playwright version, whose page type is compatible only at run time.
    const { violations } = await new AxeBuilder({ page: page as never }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
  };
  await scan();
  await demo.press("Agent 123");
  await expect(demo.card).toHaveAttribute("data-tone", "available");
  await scan();
  await demo.press("Invalid id");
  await expect(demo.card).toHaveAttribute("data-tone", "failed");
  await scan();
});

test("does not scroll sideways on a screen of 360 pixels", async ({ page, demoAddress }) => {
  await page.setViewportSize({ width: 360, height: 740 });
  const demo = await openDemo(page, demoAddress);
  await demo.press("Invalid id");
  await expect(demo.card).toHaveAttribute("data-tone", "failed");
  // A scroll bar with its own space makes the document narrower than the screen.
  const [content, room] = await page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return [scrollWidth, clientWidth];
  });
  expect(content).toBe(room);
});
