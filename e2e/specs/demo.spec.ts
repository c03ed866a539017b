/** The demo page in a user's hands, over the running gateway. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import AxeBuilder from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";
import { collectLayoutShifts, expect, readLayoutShifts } from "../fixtures/fixtures.ts";
import { test } from "../fixtures/kept-page.ts";

/** Parts of the page, by the names that a screen reader reads. */
interface Demo {
  readonly result: Locator;
  readonly card: Locator;
  readonly code: Locator;
  press(name: string): Promise<void>;
}

async function openDemo(page: Page, address: string): Promise<Demo> {
  await page.goto(address);
  await expect(page.getByRole("status", { name: "Connection" })).toHaveText("Ready");
  return {
    result: page.getByRole("status", { name: "Availability" }),
    card: page.locator("#result-card"),
    code: page.locator('#result [data-part="code"]'),
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
  // The backend takes three seconds, in which a busy browser may not reach the button: the call is held for as long as needed.
  let hold = (): void => {};
  const isHeld = new Promise<void>((resolve) => {
    hold = resolve;
  });
  await page.route(
    ({ pathname, search }) => `${pathname}${search}`.includes("3000"),
    () => hold(),
  );
  await demo.press("Slow backend");
  await isHeld;
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

test("shows the team live, as `npm run simulate` changes it until it is interrupted", async ({ page, demoAddress }) => {
  await openDemo(page, demoAddress);
  const badges = page.locator("#team-list availability-badge");
  await expect(page.getByRole("status", { name: "Team" })).toHaveText("Live");
  await expect(badges).toHaveCount(13);
  // Of the whole team, although badges far from the screen are not watched.
  await expect(page.locator("#team-count")).toHaveText("3 of 13 can take a call");
  await page.locator("#team").evaluate((card) => card.scrollIntoView({ block: "center" }));
  await expect(page.locator("#team-list li", { hasText: "Idris Kallay" })).toContainText("Available");
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
    const { violations } = await new AxeBuilder({ page }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
  };
  // The scanner takes a second for a hundred rows; `playground.spec.ts` scans more of them.
  await page.getByRole("searchbox", { name: "Search the contacts" }).fill("brightwater idris");
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

for (const width of [360, 800, 1_280, 1_600]) {
  test(`moves nothing as it fills in, ${width} pixels wide @chromium`, async ({ page, demoAddress }) => {
    await page.setViewportSize({ width, height: 800 });
    await collectLayoutShifts(page);
    await page.goto(demoAddress);
    await expect(page.getByRole("status", { name: "Connection" })).toHaveText("Ready");
    await expect(page.locator("#contact-badge")).toHaveAttribute("data-state", "available");
    await expect(page.locator("#team-list availability-badge")).toHaveCount(13);
    await expect(page.locator("#team-list availability-badge:not([data-state])")).toHaveCount(0);
    expect(await readLayoutShifts(page.locator("html"))).toEqual([]);
  });
}
