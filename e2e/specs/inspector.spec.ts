/** The inspector and the debug log, imported and from the script tag, in a user's hands. */
import { readFileSync } from "node:fs";
import AxeBuilder from "@axe-core/playwright";
import type { Locator, Page } from "@playwright/test";
import type { mountInspector } from "../../host/inspector.ts";
import { ASK_123, collectComplaints, collectWarnings, expect, test } from "../fixtures/fixtures.ts";

declare global {
  interface Window {
    mountInspector: typeof mountInspector;
  }
}

/** A policy that allows the page's own modules, the widget, and nothing else; no style, no text as code. */
const strictPolicy = (origin: string): Record<string, string> => ({
  "content-security-policy":
    `default-src 'none'; script-src 'self' 'nonce-once' ${origin}; frame-src ${origin}; img-src data:; ` +
    "require-trusted-types-for 'script'; trusted-types 'none'",
});

const IMPORTING_PAGE = `<!doctype html><html lang="en"><head><title>Host</title><link rel="icon" href="data:,">
  <script type="module" nonce="once">
    import { connect } from "/dist/index.js";
    import { mountInspector } from "/dist/inspector.js";
    Object.assign(window, { connect, mountInspector });
  </script></head><body><main><h1>CRM</h1></main></body></html>`;

const taggedPage = (origin: string, attributes = ""): string =>
  `<!doctype html><html lang="en"><head><title>Host</title><link rel="icon" href="data:,">
  <script async nonce="once" src="${origin}/embed.js" ${attributes}></script></head><body><main><h1>CRM</h1></main></body></html>`;

/** Parts of the inspector, by the names that a screen reader reads. */
interface Inspector {
  readonly list: Locator;
  readonly detail: Locator;
  row(text: string | RegExp): Locator;
  press(name: string): Promise<void>;
}

function findInspector(page: Page): Inspector {
  const root = page.getByRole("region", { name: "Availability inspector" });
  return {
    list: root.getByRole("listbox", { name: "Events" }),
    detail: root.getByRole("region", { name: "Chosen event" }),
    row: (text) => root.getByRole("option").filter({ hasText: text }),
    press: (name) => root.getByRole("button", { name, exact: true }).click(),
  };
}

/** Opens the importing page with an inspector, and asks for agent 123 once. */
async function openInspector(
  page: Page,
  address: string,
  origin: string,
  theme?: "light" | "dark",
): Promise<Inspector> {
  await page.goto(address);
  await page.waitForFunction(() => "mountInspector" in window);
  await page.evaluate(
    async ([src, event, chosen]) => {
      window.connector = window.connect({ src });
      window.mountInspector(window.connector, chosen ? { theme: chosen } : {});
      await window.connector.dispatch(event);
    },
    [`${origin}/widget/`, ASK_123, theme] as const,
  );
  const inspector = findInspector(page);
  await expect(inspector.row("FETCH_USER_AVAILABILITY_FULFILLED")).toHaveCount(1);
  return inspector;
}

const scan = async (page: Page): Promise<void> => {
  // The scanner's types come from its own Playwright version, whose page type is compatible only at run time.
  const { violations } = await new AxeBuilder({ page: page as never }).analyze();
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
};

test("a page with a strict policy and trusted types sees each event with direction, type, id and duration, and violates nothing", async ({
  page,
  host,
  backend,
}) => {
  const complaints = await collectComplaints(page);
  const address = host.serve(IMPORTING_PAGE, strictPolicy(backend.origin));
  const { row, detail } = await openInspector(page, address, backend.origin);
  await expect(row(/to the widget:.*API\.FETCH_USER_AVAILABILITY(?!_)/)).toHaveCount(1);
  await expect(row(/from the widget:.*API\.FETCH_USER_AVAILABILITY_FULFILLED.*#\d+.*\d ms/)).toHaveCount(1);
  await expect(row("Connector ready")).toHaveCount(1);
  await expect(row("Handshake SYN").first()).toBeVisible();
  await row("FETCH_USER_AVAILABILITY_FULFILLED").click();
  await expect(detail.getByRole("heading", { level: 3 })).toHaveText("API.FETCH_USER_AVAILABILITY_FULFILLED");
  await expect(detail).toContainText('status: "available"');
  // Styles need no exception in the policy.
  await expect(page.getByRole("region", { name: "Availability inspector" })).toHaveCSS("position", "fixed");
  expect(complaints).toEqual([]);
});

test("the search and the filters show what matches, and everything again", async ({ page, host, backend }) => {
  const { list, row, press } = await openInspector(page, host.serve(IMPORTING_PAGE), backend.origin);
  const all = await list.getByRole("option").count();
  const search = page.getByRole("searchbox", { name: "Search the events" });
  // Not the agent's id, which may be in an id of another event.
  await search.fill("available fulfilled");
  await expect(list.getByRole("option")).toHaveCount(1);
  await search.fill("nobody");
  await expect(list.getByRole("option")).toHaveCount(0);
  await search.fill("");
  await press("Connection");
  await press("Sent");
  await expect(row("Connector ready")).toHaveCount(0);
  await expect(row("to the widget")).toHaveCount(0);
  await expect(row("FULFILLED").first()).toBeVisible();
  await press("Connection");
  await press("Sent");
  await expect.poll(() => list.getByRole("option").count()).toBeGreaterThanOrEqual(all);
});

test("a user with a keyboard alone chooses an event, edits it and sends it", async ({ page, host, backend }) => {
  const { list, row, detail } = await openInspector(page, host.serve(IMPORTING_PAGE), backend.origin);
  const search = page.getByRole("searchbox", { name: "Search the events" });
  // From the page's start: buttons of the header, the search, the filters, the list.
  for (let presses = 0; presses < 20; presses += 1) {
    await page.keyboard.press("Tab");
    // Without the heartbeat, which may come at any time.
    if (await search.evaluate((element) => element.matches(":focus"))) await page.keyboard.type("API.FETCH");
    if (await list.evaluate((element) => element.matches(":focus"))) break;
  }
  await expect(list).toBeFocused();
  await page.keyboard.press("End");
  await expect(detail.getByRole("heading", { level: 3 })).toHaveText("API.FETCH_USER_AVAILABILITY_FULFILLED");
  await page.keyboard.press("Home");
  await expect(list.getByRole("option", { selected: true })).toHaveCount(1);
  await page.keyboard.press("End");
  // Copy as vector, Send again, Edit and send.
  for (const name of ["Copy as vector", "Send again", "Edit and send"]) {
    await page.keyboard.press("Tab");
    await expect(detail.getByRole("button", { name })).toBeFocused();
  }
  await page.keyboard.press("Enter");
  const text = detail.getByRole("textbox", { name: "Event as JSON" });
  await expect(text).toBeFocused();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type("{ no JSON");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(detail.getByRole("alert")).toContainText("This is no JSON");
  await expect(text).toBeFocused();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.type('{"type":"API.FETCH_USER_AVAILABILITY","payload":{"variables":{"userId":"x"}}}');
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await expect(row("FETCH_USER_AVAILABILITY_REJECTED")).toHaveCount(1);
  await expect(text).toBeHidden();
});

test("Send again asks the backend again, and the counters count", async ({ page, host, backend }) => {
  const { row, press } = await openInspector(page, host.serve(IMPORTING_PAGE), backend.origin);
  await row("FETCH_USER_AVAILABILITY_FULFILLED").click();
  const before = backend.calls.length;
  await press("Send again");
  await expect(row("FETCH_USER_AVAILABILITY_FULFILLED")).toHaveCount(2);
  expect(backend.calls.length).toBe(before + 1);
  const number = (name: string): Locator => page.locator(".numbers div", { hasText: name }).locator("dd");
  // The registration, and the page's request twice.
  await expect(number("Requests")).toHaveText("3");
  await page.evaluate(
    (event) => Promise.all([window.connector.dispatch(event), window.connector.dispatch(event)]),
    ASK_123,
  );
  await expect(number("Requests")).toHaveText("5");
  await expect(number("Coalesced")).toHaveText("1");
  await expect(number("Bytes")).not.toHaveText("0 B");
  // The inspector's own questions are no events of the page.
  await expect(row("BUS.STATS")).toHaveCount(0);
});

test("an export has numbers for agents, no token and no name, and is JSON", async ({ page, host, backend }) => {
  await openInspector(page, host.serve(IMPORTING_PAGE), backend.origin);
  await page.evaluate(
    async () =>
      void (await window.connector.dispatch({
        type: "CRM.MARTA_OYELARAN",
        payload: { token: "t0k3n-secret", 7: "Marta" },
      })),
  );
  const inspector = findInspector(page);
  await expect(inspector.row("MARTA_OYELARAN_REJECTED")).toHaveCount(1);
  // Not by the event `download`, which Playwright does not have for a link's file in Firefox over WebDriver BiDi.
  const saved = await page.evaluateHandle(() => {
    const files: Blob[] = [];
    const createObjectURL = URL.createObjectURL;
    URL.createObjectURL = (file) => {
      if (file instanceof Blob) files.push(file);
      return createObjectURL.call(URL, file);
    };
    return files;
  });
  await inspector.press("Export");
  const text = (await saved.evaluate(async ([file]) => file?.text())) ?? "";
  // Times, durations and counts may contain the agent's id by chance.
  const measured = ["at", "durationMs", "counters"];
  const said = JSON.stringify(JSON.parse(text, (key, value) => (measured.includes(key) ? undefined : value)));
  expect(said).not.toMatch(/marta|t0k3n|123|localhost/i);
  const { entries, counters } = JSON.parse(text);
  expect(counters.requests).toBeGreaterThan(0);
  const asked = entries.filter(({ title }: { title: string }) => title === "API.FETCH_USER_AVAILABILITY");
  expect(asked).toHaveLength(1);
  expect(asked[0].event.payload).toEqual({ variables: { userId: 1 } });
});

test("Export saves a file @chromium", async ({ page, host, backend }) => {
  const { press } = await openInspector(page, host.serve(IMPORTING_PAGE), backend.origin);
  const saved = page.waitForEvent("download");
  await press("Export");
  const download = await saved;
  expect(download.suggestedFilename()).toBe("availability-events.json");
  const { entries } = JSON.parse(readFileSync(await download.path(), "utf8"));
  expect(entries.length).toBeGreaterThan(0);
});

test("Copy as vector copies the exchange in the form of shared/vectors, redacted @chromium", async ({
  page,
  host,
  backend,
  context,
}) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const { row, press } = await openInspector(page, host.serve(IMPORTING_PAGE), backend.origin);
  await row("FETCH_USER_AVAILABILITY_FULFILLED").click();
  await press("Copy as vector");
  await expect(page.getByText("Copied, redacted")).toBeVisible();
  const body = { userId: 1, status: "available", version: 7 };
  expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))).toEqual({
    name: "API.FETCH_USER_AVAILABILITY_FULFILLED",
    event: { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 1 } } },
    backend: { status: 200, body },
    settlement: { type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload: body },
  });
});

test("a reload of the iframe is on the time line, and the connection comes back", async ({ page, host, backend }) => {
  const { row } = await openInspector(page, host.serve(IMPORTING_PAGE), backend.origin);
  await page.evaluate(() => {
    const frame = document.querySelector("iframe");
    if (frame) frame.src = `${frame.src}`;
  });
  await expect(row("Connector reconnecting")).toHaveCount(1);
  await expect(row("Connector ready")).toHaveCount(2);
  await expect(row("Iframe loaded").first()).toBeVisible();
});

for (const theme of ["light", "dark"] as const) {
  test(`has no accessibility violations in ${theme} colours, with an event chosen and its editor open`, async ({
    page,
    host,
    backend,
  }) => {
    test.slow();
    const { row, press, detail } = await openInspector(page, host.serve(IMPORTING_PAGE), backend.origin, theme);
    await scan(page);
    await row("FETCH_USER_AVAILABILITY_FULFILLED").click();
    await press("Edit and send");
    await detail.getByRole("textbox").fill("{");
    await detail.getByRole("button", { name: "Send", exact: true }).click();
    await expect(detail.getByRole("alert")).toContainText("no JSON");
    await scan(page);
  });
}

test("Close takes the inspector away, and its observers", async ({ page, host, backend }) => {
  const { list, press } = await openInspector(page, host.serve(IMPORTING_PAGE), backend.origin);
  await press("Close");
  await expect(list).toHaveCount(0);
  // A request still settles, and nothing throws.
  await page.evaluate((event) => window.connector.dispatch(event), ASK_123);
});

test("a page with aggressive styles has an inspector that is whole", async ({ page, host, backend }) => {
  const styles =
    "<style>* { all: unset !important; display: none !important } head, style, script { display: none }</style>";
  const html = IMPORTING_PAGE.replace("</head>", `${styles.replace("display: none !important", "color: red")}</head>`);
  const { row } = await openInspector(page, host.serve(html), backend.origin);
  await expect(row("Connector ready")).toBeVisible();
});

test.describe("the script tag", () => {
  /** Records requests for the tools' file. */
  const recordRequests = (page: Page): readonly string[] => {
    const requests: string[] = [];
    page.on("request", (request) => {
      if (request.url().includes("embed-inspector")) requests.push(request.url());
    });
    return requests;
  };

  const settle = (page: Page): Promise<unknown> =>
    page.evaluate(
      (event) =>
        new Promise((resolve) => {
          (window.availabilityBridge ??= []).push((connector) => connector.dispatch(event).then(resolve));
        }),
      ASK_123,
    );

  test("shows the inspector if the address asks for it and the tag allows it, with the events from the start, under a strict policy", async ({
    page,
    host,
    backend,
  }) => {
    const complaints = await collectComplaints(page);
    const html = taggedPage(backend.origin, 'data-inspector="allow"');
    await page.goto(`${host.serve(html, strictPolicy(backend.origin))}?availability-inspector`);
    const { row } = findInspector(page);
    await settle(page);
    await expect(row("BUS.REGISTER_FULFILLED")).toHaveCount(1);
    await expect(row("FETCH_USER_AVAILABILITY_FULFILLED")).toHaveCount(1);
    expect(complaints).toEqual([]);
  });

  for (const [what, attributes, query] of [
    ["the tag does not allow it", "", "?availability-inspector"],
    ["the tag has another value", 'data-inspector="yes"', "?availability-inspector"],
    ["the address does not ask for it", 'data-inspector="allow"', "?q=1"],
  ] as const) {
    test(`never requests the tools if ${what}`, async ({ page, host, backend }) => {
      const requests = recordRequests(page);
      await page.goto(`${host.serve(taggedPage(backend.origin, attributes))}${query}`);
      await settle(page);
      expect(requests).toEqual([]);
      await expect(findInspector(page).list).toHaveCount(0);
    });
  }

  test("does not run a file of the tools that has been tampered with", async ({ page, host, backend }) => {
    const warnings = collectWarnings(page);
    await page.route(/embed-inspector/, async (route) => {
      const response = await route.fetch();
      await route.fulfill({ response, body: `document.title = "tampered"; ${await response.text()}` });
    });
    const html = taggedPage(backend.origin, 'data-inspector="allow"');
    await page.goto(`${host.serve(html)}?availability-inspector`);
    await expect.poll(() => warnings).toEqual([expect.stringMatching(/embed-inspector-\w+\.js could not be loaded/)]);
    await expect(page).toHaveTitle("Host");
  });

  /** Collects the lines of the debug log. */
  const collectLog = (page: Page): readonly string[] => {
    const lines: string[] = [];
    page.on("console", (message) => {
      if (message.text().startsWith("availability-bridge ")) lines.push(message.text());
    });
    return lines;
  };

  for (const [what, attributes, prepare] of [
    ["`data-debug`", "data-debug", () => {}],
    ["localStorage", "", () => localStorage.setItem("availability-bridge:debug", "1")],
  ] as const) {
    test(`writes the debug log if ${what} is set, redacted`, async ({ page, host, backend }) => {
      const lines = collectLog(page);
      await page.addInitScript(prepare);
      await page.goto(host.serve(taggedPage(backend.origin, attributes)));
      await settle(page);
      await expect.poll(() => lines.join("\n")).toMatch(/← API\.FETCH_USER_AVAILABILITY_FULFILLED r\d+ [\d.]+ ms/);
      // From the start: what happened before the file came is in the log as well.
      expect(lines.join("\n")).toContain("Connector ready");
    });
  }

  for (const [what, options, isStored] of [
    ["its option", { debug: true }, false],
    ["localStorage", {}, true],
    ["nothing", {}, false],
  ] as const) {
    test(`an imported connector writes the debug log by ${what}`, async ({ page, host, backend }) => {
      const lines = collectLog(page);
      const warnings = collectWarnings(page);
      if (isStored) await page.addInitScript(() => localStorage.setItem("availability-bridge:debug", "1"));
      await page.goto(host.serve(IMPORTING_PAGE));
      await page.waitForFunction(() => "mountInspector" in window);
      await page.evaluate(
        async ([src, event, given]) => void (await window.connect({ src, ...given }).dispatch(event)),
        [`${backend.origin}/widget/`, ASK_123, options] as const,
      );
      if (what === "nothing") expect(lines).toEqual([]);
      else await expect.poll(() => lines.join("\n")).toContain("API.FETCH_USER_AVAILABILITY_FULFILLED");
      expect(warnings).toEqual([]);
    });
  }
});
