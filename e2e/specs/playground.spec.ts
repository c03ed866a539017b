/** The playground: contacts, calls, faults that the page recovers from, and the code of the page, in a user's hands. */
import AxeBuilder from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";
import { writeSnippet } from "../../host/demo/snippets.ts";
import { collectComplaints, expect, test } from "../fixtures/fixtures.ts";

interface Playground {
  readonly call: Locator;
  readonly connection: Locator;
  readonly fault: Locator;
  /** Rows of the inspector with a text. */
  row(text: string | RegExp): Locator;
  open(contact: string): Promise<void>;
  press(name: string): Promise<void>;
}

async function openPlayground(page: Page, address: string): Promise<Playground> {
  await page.goto(address);
  const connection = page.getByRole("status", { name: "Connection" });
  await expect(connection).toHaveText("Ready");
  return {
    call: page.locator("#call-owner"),
    connection,
    fault: page.getByRole("status", { name: "Fault" }),
    row: (text) => page.getByRole("option").filter({ hasText: text }),
    async open(contact) {
      await page.getByRole("searchbox", { name: "Search the contacts" }).fill(contact);
      await page.locator("#contact-rows").getByRole("button", { name: contact }).first().click();
    },
    press: (name) => page.getByRole("button", { name, exact: true }).click(),
  };
}

/** Asks the gateway for a change of an agent, as `npm run simulate` does. */
async function setStatus(page: Page, address: string, userId: number, status: string): Promise<void> {
  const { token, gateway } = await (await page.request.post(`${address}/demo/operator-token`)).json();
  const answer = await page.request.put(`${gateway}/v1/users/${userId}/availability`, {
    headers: { Authorization: `Bearer ${token}` },
    data: { status },
  });
  expect(answer.ok()).toBe(true);
}

test("has 200 contacts with the badges of their owners, and a search that finds by name, company and owner", async ({
  page,
  demoAddress,
}) => {
  await openPlayground(page, demoAddress);
  const rows = page.locator("#contact-rows tr");
  await expect(rows).toHaveCount(200);
  await expect(rows.first().locator("availability-badge")).toHaveAttribute("data-state", "available");
  const search = page.getByRole("searchbox", { name: "Search the contacts" });
  await search.fill("brightwater idris");
  await expect(rows.first()).toContainText("Marta Oyelaran");
  const found = await rows.count();
  expect(found).toBeLessThan(200);
  await expect(page.getByRole("status", { name: "Contacts shown" })).toHaveText(`${found} of 200`);
  await search.fill("");
  await expect(rows).toHaveCount(200);
});

test("the call button is enabled only while the owner is callable, and follows each change", async ({
  page,
  demoAddress,
}) => {
  const { call, open } = await openPlayground(page, demoAddress);
  await expect(call).toHaveText("Call Idris Kallay");
  await expect(call).toBeEnabled();
  await setStatus(page, demoAddress, 123, "on_a_break");
  await expect(call).toBeDisabled();
  await setStatus(page, demoAddress, 123, "available");
  await expect(call).toBeEnabled();
  await call.click();
  await expect(page.getByRole("status", { name: "Owner" })).toHaveText("Calling Idris Kallay…");
  // Another contact has another owner.
  const row = page.locator("#contact-rows tr").filter({ hasText: "Farah Nazari" }).first();
  const name = await row.getByRole("button").textContent();
  await open(name ?? "");
  await expect(page.getByRole("heading", { level: 1 })).toHaveText(name ?? "");
  await expect(call).toHaveText("Call Farah Nazari");
  await expect(call).toBeDisabled();
});

test("the widget collapses without a reload, and comes back", async ({ page, demoAddress }) => {
  const { row, press } = await openPlayground(page, demoAddress);
  const frame = page.locator("#phone iframe");
  await expect(frame).toBeVisible();
  const registrations = row("BUS.REGISTER_FULFILLED");
  const count = await registrations.count();
  await press("Phone widget");
  await expect(frame).toBeHidden();
  await expect(page.getByRole("button", { name: "Phone widget" })).toHaveAttribute("aria-expanded", "false");
  await press("Phone widget");
  await expect(frame).toBeVisible();
  await press("Agent 123");
  await expect(page.locator("#result-card")).toHaveAttribute("data-tone", "available");
  expect(await registrations.count()).toBe(count);
});

for (const name of ["Reload the frame", "Crash the widget", "Remove the frame"]) {
  test(`recovers from a fault of the frame: ${name}`, async ({ page, demoAddress }) => {
    const { connection, row, press, call } = await openPlayground(page, demoAddress);
    await expect(call).toBeEnabled();
    await press(name);
    // The loss is on the time line, and the next handshake. A heartbeat that a busy browser delays by a second is repeated.
    await expect(row("Connector reconnecting").first()).toBeVisible({ timeout: 40_000 });
    await press("Agent 123");
    await expect(page.locator("#result-card")).toHaveAttribute("data-tone", "available");
    await expect(connection).toHaveText("Ready");
    await expect(call).toBeEnabled();
  });
}

test("recovers from a slow, a failing and an unreachable backend, and from a browser that was offline", async ({
  page,
  demoAddress,
}) => {
  test.slow();
  const { fault, press } = await openPlayground(page, demoAddress);
  const card = page.locator("#result-card");
  for (const [name, note] of [
    ["Failing", "Each call is answered with 503"],
    ["Unreachable", "Nothing reaches the backend"],
  ] as const) {
    await page.getByRole("radio", { name }).check();
    await expect(fault).toContainText(note);
    await press("Agent 123");
    await expect(card).toHaveAttribute("data-tone", "failed");
    await page.getByRole("radio", { name: "Sound" }).check();
    await expect(fault).toContainText("answers again");
    await press("Agent 123");
    await expect(card).toHaveAttribute("data-tone", "available");
  }
  await page.getByRole("radio", { name: "Slow" }).check();
  await expect(fault).toContainText("three seconds");
  await press("Agent 123");
  await expect(card).toHaveAttribute("data-tone", "pending");
  await expect(card).toHaveAttribute("data-tone", "available");
  await page.getByRole("radio", { name: "Sound" }).check();
  await page.getByRole("checkbox", { name: "Browser offline" }).check();
  await expect(fault).toContainText("Offline");
  await press("Agent 123");
  await expect(card).toHaveAttribute("data-tone", "failed");
  await page.getByRole("checkbox", { name: "Browser offline" }).uncheck();
  await expect(fault).toContainText("Online again");
  await press("Agent 123");
  await expect(card).toHaveAttribute("data-tone", "available");
});

test("a page of another site plays no fault", async ({ request, demoAddress }) => {
  const answer = await request.post(`${demoAddress}/demo/fault/failing`, {
    headers: { "Sec-Fetch-Site": "cross-site" },
  });
  expect(answer.status()).toBe(403);
  expect(await (await request.get(`${demoAddress}/demo/fault`)).json()).toEqual({ fault: "none" });
});

test("the inspector of the page has each event, and the code of the page is of the open contact", async ({
  page,
  demoAddress,
}) => {
  const complaints = await collectComplaints(page);
  const { row, press, open } = await openPlayground(page, demoAddress);
  await press("Agent 123");
  await expect(row("API.FETCH_USER_AVAILABILITY_FULFILLED").last()).toBeVisible();
  await press("Invalid id");
  await row("API.FETCH_USER_AVAILABILITY_REJECTED").last().click();
  await expect(page.getByRole("region", { name: "Chosen event" })).toContainText("INVALID_REQUEST");
  const code = page.getByRole("tabpanel");
  await expect(code).toContainText('user-id="123"');
  const owned = page.locator("#contact-rows tr").filter({ hasText: "Gil Santoro" }).first();
  await open((await owned.getByRole("button").textContent()) ?? "");
  await expect(code).toContainText('user-id="106"');
  await page.getByRole("tab", { name: "Script tag" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "TypeScript" })).toBeFocused();
  await expect(code).toContainText("connector.watch(106");
  await page.keyboard.press("ArrowLeft");
  await page.keyboard.press("ArrowLeft");
  await expect(page.getByRole("tab", { name: "Vue" })).toHaveAttribute("aria-selected", "true");
  expect(complaints).toEqual([]);
});

test("a user with a keyboard alone finds a contact and calls its owner", async ({ page, demoAddress }) => {
  const { call } = await openPlayground(page, demoAddress);
  await page.getByRole("searchbox", { name: "Search the contacts" }).focus();
  await page.keyboard.type("marta");
  await expect(page.locator("#contact-rows tr")).toHaveCount(1);
  // The table scrolls, and so has a place of its own among what Tab visits.
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(page.locator("#contact-rows tr")).toHaveAttribute("aria-current", "true");
  await expect(call).toBeEnabled();
  await page.keyboard.press("Tab");
  await expect(call).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("status", { name: "Owner" })).toHaveText("Calling Idris Kallay…");
});

for (const colorScheme of ["light", "dark"] as const) {
  test(`has no accessibility violations in ${colorScheme} colours, with an event chosen`, async ({
    page,
    demoAddress,
  }) => {
    test.slow();
    await page.emulateMedia({ colorScheme });
    const { row, press } = await openPlayground(page, demoAddress);
    // An eighth of the rows has a contact of each owner, and so each badge: in Firefox the scan of all took two minutes of a busy machine.
    await page.getByRole("searchbox", { name: "Search the contacts" }).fill("brightwater");
    await expect(page.getByRole("status", { name: "Contacts shown" })).toHaveText("26 of 200");
    await press("Agent 123");
    await row("API.FETCH_USER_AVAILABILITY_FULFILLED").last().click();
    // The scanner's types come from its own Playwright version, whose page type is compatible only at run time.
    const { violations } = await new AxeBuilder({ page: page as never }).analyze();
    expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
  });
}

for (const width of [320, 800, 1_600]) {
  test(`does not scroll sideways at ${width} pixels`, async ({ page, demoAddress }) => {
    await page.setViewportSize({ width, height: 800 });
    const { press } = await openPlayground(page, demoAddress);
    await press("Invalid id");
    await expect(page.locator("#result-card")).toHaveAttribute("data-tone", "failed");
    const [content, room] = await page.evaluate(() => {
      const { scrollWidth, clientWidth } = document.documentElement;
      return [scrollWidth, clientWidth];
    });
    expect(content).toBe(room);
  });
}

test("the code for the script tag works as it is in a page", async ({ page, host, backend }) => {
  await page.route("**/demo/token", (route) => route.fulfill({ json: { token: "t1" } }));
  const code = writeSnippet("Script tag", { userId: 123, vendor: backend.origin });
  await page.goto(
    host.serve(`<!doctype html><html lang="en"><title>-</title><link rel="icon" href="data:,">${code}</html>`),
  );
  await expect(page.getByRole("button", { name: "Call" })).toBeEnabled();
  await expect(page.locator("availability-badge")).toHaveAttribute("data-callable", "true");
});
