/** The widget's own view of the team, in a person's hands. */
import AxeBuilder from "@axe-core/playwright";
import type { FrameLocator, Locator, Page } from "@playwright/test";
import { toToken } from "../../gateway/test/golden-exchanges.ts";
import { type LiveGateway, startLiveGateway } from "../../gateway/test/live-gateway.ts";
import { GENUINE_ONLY, token } from "../../gateway/test/self-describing-tokens.ts";
import { accessOf } from "../../gateway/test/test-gateway.ts";
import { fastSnippet } from "../fixtures/fast-snippet.ts";
import {
  collectComplaints,
  collectLayoutShifts,
  connectorPage,
  expect,
  readLayoutShifts,
} from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { test } from "../fixtures/live-page.ts";

/** Parts of the panel, by the names that a screen reader reads. */
interface PanelPage {
  readonly frame: FrameLocator;
  readonly list: Locator;
  readonly options: Locator;
  readonly search: Locator;
  readonly status: Locator;
  /** The agent who is selected. */
  readonly selection: Locator;
  readonly connection: Locator;
}

function findPanel(page: Page): PanelPage {
  const frame = page.frameLocator("#phone > iframe");
  const list = frame.getByRole("listbox", { name: "Team" });
  return {
    frame,
    list,
    // Not those of the switcher.
    options: list.getByRole("option"),
    search: frame.getByRole("searchbox", { name: "Search the team" }),
    status: frame.getByRole("combobox", { name: "Your status" }),
    selection: frame.locator(".selection"),
    connection: frame.locator(".connection"),
  };
}

interface OpenOptions {
  /** The claims of the page's token. @default no token */
  readonly claims?: Readonly<Record<string, unknown>>;
  /** Fragment of the widget's address. @default none */
  readonly look?: string;
  /** Size of the frame in CSS pixels. @default 340 by 480 */
  readonly size?: readonly [width: number, height: number];
}

/** Opens a page with a visible widget between two buttons. */
async function openPanel(
  page: Page,
  host: HostSite,
  { origin }: Pick<LiveGateway, "origin">,
  { claims, look = "", size: [width, height] = [340, 480] }: OpenOptions = {},
): Promise<PanelPage> {
  const container = `<button>Before</button><div id="phone" style="width: ${width}px; height: ${height}px"></div><button>After</button>`;
  await page.goto(host.serve(connectorPage(`<main><h1>Contacts</h1>${container}</main>`)));
  await page.evaluate(
    ([src, jwt]) => {
      const container = document.querySelector("#phone");
      if (!container) throw new Error("expected the container");
      window.connector = window.connect({ src, container, ...(jwt && { fetchToken: () => jwt }) });
    },
    [`${origin}/widget/${look}`, claims ? toToken(claims) : ""] as const,
  );
  return findPanel(page);
}

const AGENT_1 = { sub: "1", scope: "availability:read availability:write" };

/** A gateway to which each token is that of agent 1: `accessOf` takes each for valid. */
const withAgent1 = test.extend<{ live: LiveGateway }>({
  live: async ({ host }, use) => {
    const live = await startLiveGateway({ allowedOrigins: [host.origin], access: accessOf(1) });
    await live.agents.set(1, { status: "available" });
    await live.agents.set(2, { status: "in_call" });
    await live.agents.set(3, { status: "out_for_lunch" });
    await live.agents.set(4, { status: "available", wrapUp: { configuredSeconds: 60, leftSeconds: 30 } });
    await use(live);
    await live.close();
  },
});

test("the demo page's frame shows the whole team of 13, by status", async ({ page, demoAddress }) => {
  await page.goto(demoAddress);
  const { frame, list } = findPanel(page);
  await expect(frame.locator(".connection")).toContainText("3 of 13 can be called");
  await expect(list.getByRole("group", { name: "Available (3)" }).getByRole("option").first()).toContainText(
    "Agent 103",
  );
});

withAgent1("the team comes without an error in the widget", async ({ page, host, live }) => {
  const complaints = await collectComplaints(page);
  const { options, connection } = await openPanel(page, host, live, { claims: AGENT_1 });
  await expect(options).toHaveCount(4);
  await expect(connection).toContainText("1 of 4 can be called");
  expect(complaints).toEqual([]);
});

withAgent1("the panel reads as a switcher, a search, and a list by status", async ({ page, host, live }) => {
  const { frame, selection, options } = await openPanel(page, host, live, { claims: AGENT_1 });
  await options.filter({ hasText: "Agent 2" }).click();
  await expect(selection).toContainText("Agent 2: In call");
  await expect(frame.locator("body")).toMatchAriaSnapshot(`
    - text: Your status
    - combobox "Your status":
      - option "Available" [selected]
      - option "Do not disturb"
      - option "Out for lunch"
      - option "On a break"
      - option "In training"
      - option "Doing back office"
      - option "Other reason"
    - searchbox "Search the team"
    - listbox "Team":
      - group "Available (1)":
        - option "Agent 1 You Available"
      - group "Wrapping up (1)":
        - option /Agent 4 Wrapping up · \\d+ sec/
      - group "In call (1)":
        - option "Agent 2 In call" [selected]
      - group "Do not disturb (1)":
        - option "Agent 3 Out for lunch"
    - status: "Agent 2: In call"
    - paragraph: Cannot be called now
    - status: Live
    - paragraph: 1 of 4 can be called
  `);
});

withAgent1(
  "one batch and one stream feed the panel, which follows changes, new agents and removals",
  async ({ page, host, live }) => {
    const { options, list } = await openPanel(page, host, live);
    await expect(options).toHaveCount(4);
    await expect.poll(live.openStreams).toBe(1);
    await live.agents.set(2, { status: "available" });
    await expect(list.getByRole("group", { name: "Available (2)" })).toContainText("Agent 2");
    await live.agents.set(77, { status: "offline" });
    await expect(list.getByRole("group", { name: "Offline (1)" })).toContainText("Agent 77");
    await live.agents.remove(3);
    await expect(options.filter({ hasText: "Agent 3" })).toHaveCount(0);
    expect(live.calls.filter(({ method, path }) => method === "GET" && path === "/v1/availabilities")).toHaveLength(1);
  },
);

withAgent1(
  "a status that is set by the keyboard reaches a badge of a second tab",
  async ({ page, context, host, live }) => {
    const second = await context.newPage();
    await second.goto(
      host.serve(
        connectorPage(`<availability-badge user-id="1">…</availability-badge>
      <script async src="${live.origin}/embed.js"></script>`),
      ),
    );
    const badge = second.locator("availability-badge");
    await expect(badge).toHaveAttribute("data-state", "available");
    await page.bringToFront();
    const { status, list } = await openPanel(page, host, live, { claims: AGENT_1 });
    // A switcher takes no focus before the team is there.
    await expect(status).toBeEnabled();
    await status.focus();
    await page.keyboard.press("o");
    await expect(status).toHaveValue(/out_for_lunch|on_a_break|other/);
    await status.selectOption({ label: "On a break" });
    await expect(list.getByRole("group", { name: "Do not disturb (2)" })).toContainText("Agent 1");
    await expect(badge).toHaveAttribute("data-reason", "on_a_break");
    await second.close();
  },
);

withAgent1(
  "a status shows at once, and is taken back with the reason when the gateway rejects it",
  async ({ page, host, live }) => {
    let reject = (): void => {};
    // From before the call, which may come after the status shows.
    const isRejected = new Promise<void>((resolve) => {
      reject = resolve;
    });
    await page.route("**/users/me/availability", async (route) => {
      await isRejected;
      await route.fulfill({ status: 403, contentType: "application/problem+json", body: '{"status":403}' });
    });
    // After the route, which does not always reach a frame of another site that is there already.
    const { status, frame, list } = await openPanel(page, host, live, { claims: AGENT_1 });
    await status.selectOption({ label: "Do not disturb" });
    await expect(list.getByRole("group", { name: "Do not disturb (2)" })).toContainText("Agent 1");
    reject();
    await expect(frame.getByRole("alert")).toHaveText("Your status was not changed: you are not allowed to change it");
    await expect(status).toHaveValue("always_opened");
    await expect(list.getByRole("group", { name: "Available (1)" })).toContainText("Agent 1");
  },
);

for (const [name, claims, hint] of [
  ["no token", undefined, "Sign in to set your status"],
  ["the operator's token", { sub: "operator", scope: "availability:write" }, "You are not signed in as an agent"],
  [
    "a token that may only read",
    { sub: "1", scope: "availability:read" },
    "Your sign-in does not allow changing your status",
  ],
] as const) {
  withAgent1(`the switcher is disabled with the reason for ${name}`, async ({ page, host, live }) => {
    const { status } = await openPanel(page, host, live, claims ? { claims } : {});
    await expect(status).toBeDisabled();
    await expect(status).toHaveAccessibleDescription(hint);
  });
}

withAgent1(
  "the search finds by id and by status, and the keyboard leads through the list and back",
  async ({ page, host, live }) => {
    const { search, options, list, selection, frame } = await openPanel(page, host, live);
    await expect(options).toHaveCount(4);
    await search.click();
    await page.keyboard.type("lunch");
    await expect(options).toHaveCount(1);
    await page.keyboard.press("ArrowDown");
    await expect(list).toBeFocused();
    await expect(selection).toContainText("Agent 3: Out for lunch");
    await page.keyboard.press("Escape");
    await expect(search).toBeFocused();
    await expect(search).toHaveValue("");
    await expect(options).toHaveCount(4);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Home");
    await expect(selection).toContainText("Agent 1");
    await page.keyboard.press("ArrowDown");
    await expect(selection).toContainText("Agent 4");
    await page.keyboard.press("End");
    await expect(selection).toContainText("Agent 3");
    await expect(list).toHaveAttribute("aria-activedescendant", "agent-3");
    await page.keyboard.press("ArrowUp");
    await expect(selection).toContainText("Agent 2");
    await search.fill("nobody <b>");
    await expect(frame.getByText("Nobody matches “nobody <b>”")).toBeVisible();
    await frame.getByRole("button", { name: "Clear the search" }).click();
    await expect(options).toHaveCount(4);
  },
);

withAgent1(
  "Tab leads into the frame, through its three stops, and out of it, and back",
  async ({ page, host, live }) => {
    const { status, search, list, options } = await openPanel(page, host, live, { claims: AGENT_1 });
    await expect(options).toHaveCount(4);
    const before = page.getByRole("button", { name: "Before" });
    const after = page.getByRole("button", { name: "After" });
    await before.focus();
    for (const stop of [status, search, list, after]) {
      await page.keyboard.press("Tab");
      await expect(stop).toBeFocused();
    }
    for (const stop of [list, search, status, before]) {
      await page.keyboard.press("Shift+Tab");
      await expect(stop).toBeFocused();
    }
  },
);

test("2,000 agents are at most 60 rows in the document, wherever the list is scrolled to", async ({
  page,
  host,
  live,
}) => {
  for (let userId = 1; userId <= 2_000; userId += 1) await live.agents.set(userId, { status: "available" });
  const { list, options, selection } = await openPanel(page, host, live, { size: [340, 2_200] });
  await expect(list.getByRole("group", { name: "Available (2,000)" })).toBeAttached();
  const countRows = async (): Promise<number> => {
    const count = await options.count();
    expect(count).toBeGreaterThan(10);
    expect(count).toBeLessThanOrEqual(60);
    return count;
  };
  await countRows();
  await list.focus();
  await page.keyboard.press("End");
  await expect(options.filter({ hasText: /^\s*Agent 2000\b/ })).toHaveCount(1);
  await expect(selection).toContainText("Agent 2000");
  await countRows();
  for (let count = 0; count < 5; count += 1) {
    await page.keyboard.press("PageUp");
    await countRows();
  }
  await list.evaluate((element) => element.scrollTo(0, 30_000));
  await expect(options.filter({ hasText: /^\s*Agent 840\b/ })).toHaveCount(1);
  await countRows();
});

test("an agent whose wrap-up time runs down can be called at its end, without a word from the gateway", async ({
  page,
  host,
  live,
}) => {
  await live.agents.set(1, { status: "available", wrapUp: { configuredSeconds: 3, leftSeconds: 3 } });
  const { list } = await openPanel(page, host, live);
  // The wrap-up time of three seconds ends by itself.
  await expect(list.getByRole("group", { name: "Available (1)" })).toContainText("Agent 1");
});

test("an empty team, and one that cannot be loaded, say what to do", async ({ page, host, live }) => {
  const { frame, options, connection } = await openPanel(page, host, live);
  await expect(frame.getByText("There is nobody here yet")).toBeVisible();
  await live.agents.set(1, { status: "available" });
  await expect(options).toHaveCount(1);
  await expect(connection).toContainText("1 of 1 can be called");
  let isDown = true;
  await page.route("**/v1/availabilities*", (route) => (isDown ? route.abort() : route.fallback()));
  await page.route("**/v1/availabilities/stream*", (route) => (isDown ? route.abort() : route.fallback()));
  await openPanel(page, host, live);
  await expect(frame.getByText("The team could not be loaded")).toBeVisible();
  await frame.getByRole("button", { name: "Try again" }).click();
  await expect(frame.getByText("The team could not be loaded")).toBeVisible();
  // The stream is tried again by itself, too.
  isDown = false;
  await expect(options).toHaveCount(1);
});

test("a session that ends, and one that never began, say what to do, and go on after the sign-in", async ({
  page,
  host,
}) => {
  const live = await startLiveGateway({ allowedOrigins: [host.origin], access: GENUINE_ONLY });
  await live.agents.set(1, { status: "available" });
  await page.goto(host.serve(connectorPage('<div id="phone" style="width: 340px; height: 480px"></div>')));
  await page.evaluate(
    ([src, forged]) => {
      const container = document.querySelector("#phone");
      if (!container) throw new Error("expected the container");
      Object.assign(window, { jwt: forged });
      window.connector = window.connect({ src, container, fetchToken: () => Reflect.get(window, "jwt") });
    },
    [`${live.origin}/widget/`, token("1", "forged")] as const,
  );
  const { frame, options } = findPanel(page);
  await expect(frame.getByText("Your session has ended")).toBeVisible();
  await frame.getByRole("button", { name: "Try again" }).click();
  await expect(frame.getByText("Your session has ended")).toBeVisible();
  // The widget asks the page for a token by itself as well.
  await page.evaluate((jwt) => Object.assign(window, { jwt }), token("1"));
  await expect(options).toHaveCount(1);
  await live.close();
});

withAgent1(
  "HOST.RESIZE announces the content's size, which does not follow from the frame's",
  async ({ page, host, live }) => {
    const { options } = await openPanel(page, host, live);
    await page.evaluate(() => {
      const sizes: unknown[] = [];
      Object.assign(window, { sizes });
      window.connector.on("HOST.RESIZE", ({ payload }) => {
        sizes.push(payload);
        const container = document.querySelector<HTMLElement>("#phone");
        if (container) container.style.height = `${payload.height}px`;
      });
    });
    await expect(options).toHaveCount(4);
    await live.agents.set(5, { status: "offline" });
    const sizes = (): Promise<readonly { readonly width: number; readonly height: number }[]> =>
      page.evaluate(() => Reflect.get(window, "sizes"));
    await expect(options).toHaveCount(5);
    await expect.poll(async () => (await sizes()).length).toBeGreaterThan(0);
    const settled = await sizes();
    expect(settled.at(-1)).toMatchObject({ width: 320 });
    // The page has given the frame that height: every row is on the screen, and no further announcement follows.
    await expect(options.last()).toBeInViewport({ ratio: 1 });
    await live.agents.set(1, { status: "on_mobile" });
    await expect(options.filter({ hasText: "On mobile" })).toHaveCount(1);
    expect((await sizes()).length - settled.length).toBeLessThanOrEqual(1);
  },
);

for (const [decision, style, height] of [
  ["caps", "max-height: 300px", 300],
  ["refuses", "height: 280px !important", 280],
] as const) {
  withAgent1(`the page ${decision} the announced size by a style of the container`, async ({ page, host, live }) => {
    const { list, options } = await openPanel(page, host, live);
    await page.addStyleTag({ content: `#phone { ${style} }` });
    await page.evaluate(() => {
      Object.assign(window, { heights: [] });
      window.connector.on("HOST.RESIZE", ({ payload }) => {
        Reflect.get(window, "heights").push(payload.height);
        const container = document.querySelector<HTMLElement>("#phone");
        if (container) container.style.height = `${payload.height}px`;
      });
    });
    await expect(list).toBeVisible();
    await live.agents.set(5, { status: "offline" });
    // The height with the fifth agent, more than the page gives: the list scrolls.
    await expect.poll(() => page.evaluate(() => Reflect.get(window, "heights").at(-1) ?? 0)).toBeGreaterThan(400);
    await expect.poll(async () => (await page.locator("#phone > iframe").boundingBox())?.height).toBe(height);
    await list.press("End");
    await expect(options.filter({ hasText: "Agent 5" })).toBeInViewport();
  });
}

withAgent1(
  "theme, brand colour and language come from the widget's address, and follow it without a new load",
  async ({ page, host, live }) => {
    const { frame } = await openPanel(page, host, live, { claims: AGENT_1, look: "#theme=dark&lang=de-AT" });
    const root = frame.locator("html");
    await expect(frame.getByText("Ihr Status")).toBeVisible();
    await expect(root).toHaveAttribute("lang", "de");
    await expect(root).toHaveCSS("color-scheme", "dark");
    await page.evaluate(() => {
      const element = document.querySelector("iframe");
      if (element) element.src = element.src.replace(/#.*/, "#theme=light%20%23ffe000&lang=ar");
    });
    await expect(root).toHaveAttribute("dir", "rtl");
    await expect(root).toHaveCSS("color-scheme", "light");
    // Yellow on white cannot be read.
    await expect
      .poll(() => root.evaluate((element) => element.style.getPropertyValue("--accent-light")))
      .toMatch(/^#[0-8]/);
    expect(await page.evaluate(() => window.connector.state)).toBe("ready");
  },
);

/** Expects dark German with a brand colour that had to become lighter. */
async function expectDarkGerman({ frame }: PanelPage): Promise<void> {
  const root = frame.locator("html");
  await expect(frame.getByText("Ihr Status")).toBeVisible();
  await expect(root).toHaveCSS("color-scheme", "dark");
  await expect
    .poll(() => root.evaluate((element) => element.style.getPropertyValue("--accent-dark")))
    .toMatch(/^#(?!7a1fa2)[\da-f]{6}$/);
}

withAgent1("theme and language come from `connect` and the nearest `lang`", async ({ page, host, live }) => {
  await page.goto(host.serve(connectorPage('<div lang="de-AT"><div id="phone"></div></div>')));
  await page.evaluate((src) => {
    const container = document.querySelector("#phone");
    if (container) window.connector = window.connect({ src, container, theme: "dark #7a1fa2" });
  }, `${live.origin}/widget/`);
  await expectDarkGerman(findPanel(page));
});

const LOOK = 'data-container="#phone" data-theme="dark #7a1fa2"';

for (const [how, writeTag] of [
  ["the script tag", (origin: string) => `<script ${LOOK} src="${origin}/embed.js"></script>`],
  ["the fast snippet", (origin: string) => fastSnippet(origin, LOOK)],
] as const) {
  withAgent1(
    `theme and language come from \`data-theme\` and the nearest \`lang\` with ${how}`,
    async ({ page, host, live }) => {
      const phone = `<div id="phone"></div>${writeTag(live.origin)}`;
      await page.goto(host.serve(`<!doctype html><html lang="de"><title>CRM</title>${phone}`));
      await expectDarkGerman(findPanel(page));
    },
  );
}

test("45 s after the gateway's last sign of life the panel says so, and a retry ends it", async ({
  page,
  host,
  live,
}) => {
  await live.agents.set(1, { status: "available" });
  await page.clock.install();
  const { connection, options } = await openPanel(page, host, live);
  await expect(options).toHaveCount(1);
  await expect.poll(live.openStreams).toBe(1);
  await live.close();
  await expect(async () => {
    await page.clock.runFor(5_000);
    await expect(connection).toContainText("Reconnecting… Statuses may be outdated", { timeout: 100 });
  }).toPass();
  await expect(options).toHaveCount(1);
  // Stands still from now on, so that the stream is not tried again by itself before the click.
  await page.clock.pauseAt((await page.evaluate(() => Date.now())) + 1_000);
  await live.open();
  await connection.getByRole("button", { name: "Try again" }).click();
  await expect(async () => {
    await page.clock.runFor(1_000);
    await expect(connection).toContainText("1 of 1 can be called", { timeout: 100 });
  }).toPass();
});

for (const language of ["en", "fr", "de", "es", "pt", "it", "nl", "ja", "ar"]) {
  withAgent1(
    `has no accessibility violations in ${language}, in both themes, with and without a list`,
    async ({ page, host, live }) => {
      // Compiling the scanner in each frame takes longer than the scan itself.
      test.slow();
      await page.route("**/users/me/availability", (route) => route.fulfill({ status: 403, body: "{}" }));
      const { frame } = await openPanel(page, host, live, { claims: AGENT_1, look: `#theme=light&lang=${language}` });
      const scan = async (): Promise<void> => {
        const { violations } = await new AxeBuilder({ page }).analyze();
        expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`)).toEqual([]);
      };
      await frame.getByRole("listbox").getByRole("option").first().click();
      await expect(frame.locator("html")).toHaveAttribute("lang", language);
      await scan();
      await frame.locator("#own-status").selectOption("other");
      await expect(frame.getByRole("alert")).not.toBeEmpty();
      await page.evaluate(() => {
        const element = document.querySelector("iframe");
        if (element) element.src = element.src.replace("light", "dark");
      });
      await expect(frame.locator("html")).toHaveCSS("color-scheme", "dark");
      await scan();
      await frame.getByRole("searchbox").fill("nobody");
      await expect(frame.locator(".notice")).toBeVisible();
      await scan();
    },
  );
}

withAgent1(
  "shows every status by its shape in forced colours, and nothing moves with reduced motion @chromium",
  async ({ page, host, live }) => {
    await page.emulateMedia({ forcedColors: "active", reducedMotion: "reduce" });
    const { frame, options } = await openPanel(page, host, live, { claims: AGENT_1 });
    await expect(options).toHaveCount(4);
    const shapes = await options
      .locator(".mark > path:first-child")
      .evaluateAll((paths) => paths.map((path) => path.getAttribute("d")));
    expect(new Set(shapes).size).toBe(4);
    const moving = await frame.locator("body").evaluate((body) => body.ownerDocument.getAnimations().length);
    expect(moving).toBe(0);
  },
);

withAgent1(
  "nothing in the frame or around it moves while the panel fills in @chromium",
  async ({ page, host, live }) => {
    await collectLayoutShifts(page);
    const { frame, options } = await openPanel(page, host, live, { claims: AGENT_1 });
    await page.evaluate(() => window.connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 2 } }));
    await expect(options).toHaveCount(4);
    await expect(frame.locator(".selection")).toContainText("Agent 2");
    expect(await readLayoutShifts(frame.locator("html"))).toEqual([]);
    expect(await readLayoutShifts(page.locator("html"))).toEqual([]);
    // Control: the browser reports what moves.
    for (const root of [page.locator("html"), frame.locator("html")]) {
      await root.evaluate(({ ownerDocument: { body } }) => {
        const first = document.createElement("div");
        first.style.height = "50px";
        (body.querySelector("#panel") ?? body).prepend(first);
      });
      await expect.poll(() => readLayoutShifts(root)).not.toEqual([]);
    }
  },
);

// A Firefox that is driven over WebDriver BiDi has no touch.
test.describe("by touch", { tag: "@chromium" }, () => {
  test.use({ hasTouch: true });

  withAgent1("a tap selects an agent, and clears a search", async ({ page, host, live }) => {
    const { frame, options, search, selection } = await openPanel(page, host, live);
    await options.filter({ hasText: "Agent 2" }).tap();
    await expect(selection).toContainText("Agent 2: In call");
    await search.tap();
    await page.keyboard.type("nobody");
    await frame.getByRole("button", { name: "Clear the search" }).tap();
    await expect(options).toHaveCount(4);
  });
});
