/**
 * Runs the examples of docs/add-the-badge.md and docs/use-the-connector.md, and compares their tables, exactly as on
 * the pages.
 */
import type { Envelope } from "../../shared/protocol/envelope.ts";
import { bundleExample, examplesIn, exampleWith, expectConsole, tableUnder } from "../fixtures/documentation.ts";
import { collectComplaints, expect, test } from "../fixtures/fixtures.ts";
import { linesToPaste } from "../fixtures/security-page.ts";

const BADGE_PAGE = "docs/add-the-badge.md";
const CONNECTOR_PAGE = "docs/use-the-connector.md";

/** User ids of the sample agents with different appearances, an unknown user id, and an invalid user id. */
const USER_IDS = ["101", "102", "103", "104", "105", "106", "107", "108", "109", "110", "123", "124", "404404", "x"];

/** A page with a badge for each user id, and a badge without one, which stays `loading`. The ids and the script tag are in place from the start. */
function badgePage(origin: string, style = ""): string {
  const badges = USER_IDS.map((userId) => `<availability-badge user-id="${userId}"></availability-badge>`).join("");
  return `<!doctype html><html lang="en"><head><title>Team</title><link rel="icon" href="data:,"><style>${style}</style>
    </head><body>${linesToPaste("The script tag", origin)}${badges}<availability-badge></availability-badge>
    <availability-badge user-id="105" variant="full"></availability-badge></body></html>`;
}

interface Look {
  readonly state: string | null;
  readonly reason: string | null;
  readonly text: string | null;
  readonly callable: string | null;
}

test("the table of states has what the sample agents' badges show, and no other row", async ({
  page,
  host,
  gateway,
}) => {
  await page.goto(host.serve(badgePage(gateway.origin)));
  await expect(page.locator('availability-badge[data-state="loading"]')).toHaveCount(1);
  const looks = await page.evaluate(() =>
    Array.from(
      document.querySelectorAll("availability-badge"),
      (badge): Look => ({
        state: badge.getAttribute("data-state"),
        reason: badge.getAttribute("data-reason"),
        text: badge.shadowRoot?.textContent ?? null,
        callable: badge.getAttribute("data-callable"),
      }),
    ),
  );
  const cell = (text: string): string => (text === "none" ? "" : text.replaceAll("`", ""));
  const rows = tableUnder("### What it tells your page", BADGE_PAGE).map(([state = "", reason = "", text = ""]) =>
    [state, reason, text].map(cell).join(),
  );
  expect(new Set(rows)).toEqual(new Set(looks.map(({ state, reason, text }) => [state, reason, text].join())));
  expect(looks.filter(({ callable, state }) => (callable === "true") !== (state === "available"))).toEqual([]);
});

test("each rule of the stylesheet applies to a badge of the page", async ({ page, host, gateway }) => {
  const style = examplesIn(BADGE_PAGE, "css").join("\n");
  await page.goto(host.serve(badgePage(gateway.origin, style)));
  await expect(page.locator('availability-badge[data-state="loading"]')).toHaveCount(1);
  const idle = await page.evaluate(() => {
    const selectors = Array.from(document.styleSheets[0]?.cssRules ?? [], (rule) => Reflect.get(rule, "selectorText"));
    // The gateway of this test answers all the time.
    document.querySelector('[user-id="101"]')?.setAttribute("data-stale", "true");
    return selectors.filter((selector) => !document.querySelector(String(selector).replace(/::[\w()]+$/, "")));
  });
  expect(idle).toEqual([]);
  const readStyle = (userId: string, part: string, name: "backgroundColor" | "fontWeight") =>
    page
      .locator(`[user-id="${userId}"]`)
      .evaluate(
        ({ shadowRoot }, [selector, key]) =>
          getComputedStyle(shadowRoot?.querySelector(selector) ?? document.body)[key],
        [part, name] as const,
      );
  expect(await readStyle("123", ".box", "backgroundColor")).toBe("rgb(206, 234, 214)");
  expect(await readStyle("124", ".box", "backgroundColor")).toBe("rgb(232, 234, 237)");
  expect(await readStyle("124", "[part=label]", "fontWeight")).toBe("600");
});

test("the inline script with a nonce runs on a page with the policy that the page names for it", async ({
  page,
  host,
  gateway,
}) => {
  const options = { file: BADGE_PAGE, gateway: gateway.origin };
  const policy = exampleWith("'nonce-RANDOM'", { ...options, language: "http" })
    .replace("Content-Security-Policy: ", "")
    .trim();
  const script = exampleWith('nonce="RANDOM"', { ...options, language: "html" });
  const complaints = await collectComplaints(page);
  await page.goto(
    host.serve(
      `<!doctype html><link rel="icon" href="data:,">${linesToPaste("The script tag", gateway.origin)}${script}
    <availability-badge user-id="123"></availability-badge>`,
      { "content-security-policy": policy },
    ),
  );
  await expect(page.locator("availability-badge")).toHaveText("Available");
  expect(complaints).toEqual([]);
});

for (const [text, line] of [
  ["onStateChange", "The connector is ready"],
  ["readAvailability", "Agent 123: available, no reason, call now"],
  ["unwatch", "Agent 123 is available now"],
  ["record.settlement", /^BUS.REGISTER_FULFILLED after [\d.]+ ms$/],
] as const) {
  test(`the connector's example with ${text} prints the documented line`, async ({ page, host, gateway }) => {
    const code = exampleWith(text, { file: CONNECTOR_PAGE, language: "ts", gateway: gateway.origin });
    const script = await bundleExample(code);
    await expectConsole(page, host.serve(`<!doctype html><script type="module">${script}</script>`), line);
  });
}

test("the example that defines the badge without the script tag shows that agent 123 is available", async ({
  page,
  host,
  gateway,
}) => {
  const code = exampleWith("defineAvailabilityBadge(connect", {
    file: CONNECTOR_PAGE,
    language: "ts",
    gateway: gateway.origin,
  });
  const script = await bundleExample(code);
  const badge = '<availability-badge user-id="123"></availability-badge>';
  await page.goto(host.serve(`<!doctype html>${badge}<script type="module">${script}</script>`));
  await expect(page.locator("availability-badge")).toHaveText("Available");
});

test("the example with fetchToken gets the token from the page's own server", async ({ page, host, gateway }) => {
  const code = exampleWith("fetchToken", { file: CONNECTOR_PAGE, language: "ts", gateway: gateway.origin });
  const script = await bundleExample(`${code}\nvoid connector.request("BUS.PING", undefined);`);
  const fetched = page.waitForRequest(`${host.origin}/phone-token`);
  await page.goto(host.serve(`<!doctype html><script type="module">${script}</script>`));
  await fetched;
});

test("the messages that docs/use-the-connector.md shows are the connector's events and the agents' settlements", async ({
  page,
  host,
  gateway,
}) => {
  const [request, fulfilled, rejected] = examplesIn(CONNECTOR_PAGE, "json").map((text): Envelope => JSON.parse(text));
  if (!request) throw new Error(`${CONNECTOR_PAGE} shows no request`);
  await page.goto(host.serve(`<!doctype html><script src="${gateway.origin}/embed.js"></script>`));
  const settle = (event: Envelope): Promise<unknown> =>
    page.evaluate(
      (sent) =>
        new Promise((resolve) => {
          window.availabilityBridge?.push((connector) => resolve(connector.dispatch(sent)));
        }),
      event,
    );
  const answer = JSON.parse(JSON.stringify(fulfilled), (key, value) =>
    key === "version" ? expect.any(Number) : value,
  );
  expect(await settle(request)).toEqual(answer);
  const absent = JSON.parse(JSON.stringify(request).replace("123", "404404"));
  expect(await settle(absent)).toEqual(rejected);
});
