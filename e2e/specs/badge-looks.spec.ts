/** The looks of badges: words, roles, contrasts, sizes and languages, in each state. */
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import { LANGUAGES } from "../../shared/languages/language.ts";
import { COLORS, STATE_COLORS } from "../../shared/looks/colors.ts";
import { createAllBadgesPage } from "../fixtures/all-badges.ts";
import { examplesIn } from "../fixtures/documentation.ts";
import { collectComplaints, collectLayoutShifts, expect, readLayoutShifts, test } from "../fixtures/fixtures.ts";

/** Opens the page with all badges, and waits until the last of them has its agent's state. */
async function openAllBadges(page: Page, address: string): Promise<void> {
  await page.goto(address);
  // The two of each variant that stay as they are: one has no state, and one is stale.
  await expect(page.locator('availability-badge[data-state="loading"]')).toHaveCount(3);
}

for (const theme of ["light", "dark"] as const) {
  for (const language of LANGUAGES) {
    test(`each state in ${language} on a ${theme} page has words and contrasts that axe accepts @once`, async ({
      page,
      host,
    }) => {
      await openAllBadges(page, host.serve(await createAllBadgesPage(language, theme)));
      const { violations } = await new AxeBuilder({ page }).disableRules(["page-has-heading-one"]).analyze();
      expect(violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)])).toEqual([]);
    });
  }
}

for (const [theme, index] of [
  ["light", 0],
  ["dark", 1],
] as const) {
  test(`each mark and the surface of a pill have their colours on a ${theme} page`, async ({ page, host }) => {
    await openAllBadges(page, host.serve(await createAllBadgesPage("en", theme)));
    const toRgb = (hex: string): string =>
      `rgb(${[1, 3, 5].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(", ")})`;
    for (const [state, color] of Object.entries(STATE_COLORS)) {
      const badge = page.locator(`.pill [data-state="${state}"][data-stale="false"]`).first();
      await expect(badge.locator("svg"), state).toHaveCSS("color", toRgb(COLORS[color][index]));
      await expect(badge.locator(".box"), state).toHaveCSS("background-color", toRgb(COLORS.surface[index]));
    }
    await expect(page.locator('.pill [data-stale="true"] svg')).toHaveCSS("color", toRgb(COLORS.quiet[index]));
  });
}

test("a dot is a picture with a label, in Chromium's own accessibility tree", { tag: "@chromium" }, async ({
  page,
  host,
}) => {
  await openAllBadges(page, host.serve(await createAllBadgesPage("en", "light")));
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  const pictures = nodes.filter(({ role, ignored }) => role?.value === "image" && !ignored);
  const names = pictures.map(({ name }) => String(name?.value));
  // Of the 19 dots, two say the same; and a pill and a line are pictures while they load.
  expect(names).toHaveLength(21);
  expect(new Set(names)).toEqual(
    new Set([
      "Available",
      "Wrapping up",
      "In call",
      "On mobile",
      "Do not disturb",
      "Out for lunch",
      "On a break",
      "In training",
      "Doing back office",
      "Offline",
      "Available, Last known 5 minutes ago",
      "A newer status",
      "Unknown agent",
      "Session ended",
      "Not allowed",
      "Removed",
      "Error",
      "Loading",
    ]),
  );
});

test("a pill and a line are text for those who hear the page", async ({ page, host }) => {
  await openAllBadges(page, host.serve(await createAllBadgesPage("en", "light")));
  await expect(page.locator('.pill [user-id="1"]')).toMatchAriaSnapshot("- text: Available");
  await expect(page.locator('.pill [user-id="12"]')).toMatchAriaSnapshot("- text: Available 5m ago");
  await expect(page.locator('.full [user-id="6"]')).toMatchAriaSnapshot(
    "- text: /Agent 106 Do not disturb .*Out for lunch/",
  );
});

test("in forced colours each mark has the colour of text, and a pill has an edge", { tag: "@chromium" }, async ({
  page,
  host,
}) => {
  await page.emulateMedia({ forcedColors: "active" });
  await openAllBadges(page, host.serve(await createAllBadgesPage("en", "light")));
  const looks = await page.locator(".pill availability-badge").evaluateAll((badges) =>
    badges.map(({ shadowRoot }) => {
      const [box, mark] = [shadowRoot?.querySelector(".box"), shadowRoot?.querySelector("svg")];
      if (!box || !mark) throw new Error("expected a box and a mark");
      return [getComputedStyle(mark).color, getComputedStyle(box).borderTopColor, getComputedStyle(box).borderTopWidth];
    }),
  );
  const text = await page.evaluate(() => getComputedStyle(document.body).color);
  expect(new Set(looks.map((look) => look.join()))).toEqual(new Set([`${text},${text},1px`]));
});

test("no badge is wider than a narrow page, and each has its mark on the side where its language begins", async ({
  page,
  host,
}) => {
  await page.setViewportSize({ width: 320, height: 640 });
  for (const language of ["en", "ar"] as const) {
    await openAllBadges(page, host.serve(await createAllBadgesPage(language, "light")));
    const { isTooWide, isMarkFirst } = await page.evaluate(() => ({
      isTooWide: document.documentElement.scrollWidth > document.documentElement.clientWidth,
      isMarkFirst: [...document.querySelectorAll(".full availability-badge, .pill availability-badge")].map(
        ({ shadowRoot }) => {
          const [mark, label] = [shadowRoot?.querySelector("svg"), shadowRoot?.querySelector("[part=label]")];
          return (mark?.getBoundingClientRect().left ?? 0) < (label?.getBoundingClientRect().left ?? 0);
        },
      ),
    }));
    expect(isTooWide).toBe(false);
    expect(new Set(isMarkFirst)).toEqual(new Set([language === "en"]));
  }
});

/** A page of the script tag with some badges, in a paragraph each, under a policy without inline styles. */
function tagPage(origin: string, language: string, variants = ["dot", "pill", "full"]): string {
  const badge = (userId: number, variant: string): string =>
    `<p>Owner <availability-badge user-id="${userId}" variant="${variant}"></availability-badge> of this account</p>`;
  return `<!doctype html><html lang="${language}"><head><meta charset="utf-8"><title>-</title><link rel="icon" href="data:,">
    <script async src="${origin}/embed.js"></script></head><body>
    ${variants.map((variant) => [101, 123, 124].map((userId) => badge(userId, variant)).join("")).join("")}</body></html>`;
}

test("the script tag loads the page's language alone, verified and under a strict policy with trusted types", async ({
  page,
  host,
  gateway,
}) => {
  const files: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("embed-language")) files.push(request.url());
  });
  const complaints = await collectComplaints(page);
  const policy = `default-src 'none'; img-src data:; frame-src ${gateway.origin}; script-src ${gateway.origin}; require-trusted-types-for 'script'; trusted-types 'none'`;
  for (const [language, text] of [
    ["en", "Available"],
    ["de", "Verfügbar"],
    ["ja", "応対可能"],
  ] as const) {
    files.length = 0;
    await page.goto(host.serve(tagPage(gateway.origin, language), { "content-security-policy": policy }));
    await expect(page.locator('[user-id="123"][variant="pill"]')).toHaveText(text);
    expect(new Set(files.map((file) => /embed-language-\w\w/.exec(file)?.[0]))).toEqual(
      new Set(language === "en" ? [] : [`embed-language-${language}`]),
    );
  }
  expect(complaints).toEqual([]);
});

test("a language that has been tampered with is not used: the badge keeps the place and says so in the console", async ({
  page,
  host,
  gateway,
}) => {
  const warnings: string[] = [];
  page.on("console", (message) => {
    if (message.type() === "warning") warnings.push(message.text());
  });
  await page.route(/embed-language/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: (await response.text()).replace("Verfügbar", "Frei") });
  });
  await page.goto(host.serve(tagPage(gateway.origin, "de")));
  await expect.poll(() => warnings.join()).toContain("could not be loaded");
  const badge = page.locator('[user-id="123"][variant="pill"]');
  await expect(badge).toHaveAttribute("data-callable", "true");
  await expect(badge).not.toHaveText(/Frei|Available/);
});

/** The styles of docs/add-the-badge.md by which badges keep their place. */
const [PLACE_STYLE = ""] = examplesIn("docs/add-the-badge.md", "css").filter((code) => code.includes("inline-block"));

test("nothing on the page moves while the script tag's badges of each variant are filled", {
  tag: "@chromium",
}, async ({ page, host, gateway }) => {
  expect(PLACE_STYLE).toContain("full");
  await collectLayoutShifts(page);
  // From the first one on, badges keep the place that the documentation gives them.
  await page.goto(host.serve(tagPage(gateway.origin, "de").replace("</head>", `<style>${PLACE_STYLE}</style></head>`)));
  await expect(page.locator('availability-badge[data-state="loading"]')).toHaveCount(0);
  await expect(page.locator('[user-id="123"][variant="pill"]')).toHaveText("Verfügbar");
  await expect(page.locator('[user-id="123"][variant="full"]')).toHaveText("Verfügbar");
  expect(await readLayoutShifts(page.locator("html"))).toEqual([]);
});

for (const language of ["en", "de", "ja", "ar"] as const) {
  test(`nothing on the page moves while badges of each variant are defined, and come into each state, in ${language}`, {
    tag: "@chromium",
  }, async ({ page, host }) => {
    await page.setViewportSize({ width: 800, height: 3_000 });
    await collectLayoutShifts(page);
    await page.goto(host.serve(await createAllBadgesPage(language, "light", PLACE_STYLE)));
    expect(await readLayoutShifts(page.locator("html"))).toEqual([]);
    await page.evaluate(() => window.defineBadges());
    await expect(page.locator('availability-badge[data-state="loading"]')).toHaveCount(57);
    expect(await readLayoutShifts(page.locator("html"))).toEqual([]);
    await page.evaluate(() => window.bringStates());
    await expect(page.locator('availability-badge[data-state="loading"]')).toHaveCount(3);
    expect(await readLayoutShifts(page.locator("html"))).toEqual([]);
  });
}

test("nothing on the page moves while badges without a size of the page's come into each state", {
  tag: "@chromium",
}, async ({ page, host }) => {
  await page.setViewportSize({ width: 800, height: 3_000 });
  await page.goto(host.serve(await createAllBadgesPage("en", "light", "")));
  await page.evaluate(() => window.defineBadges());
  await expect(page.locator('availability-badge[data-state="loading"]')).toHaveCount(57);
  const places = () =>
    page.locator("availability-badge").evaluateAll((badges) =>
      badges.map((badge) => {
        const { x, y, width, height } = badge.getBoundingClientRect();
        return [x, y, width, height];
      }),
    );
  const before = await places();
  await page.evaluate(() => window.bringStates());
  await expect(page.locator('availability-badge[data-state="loading"]')).toHaveCount(3);
  expect(await places()).toEqual(before);
});

test("of a table of 5,000 rows only those near the screen are watched", async ({ page, host, gateway }) => {
  await page.goto(
    host.serve(`<!doctype html><title>-</title><link rel="icon" href="data:,"><script async src="${gateway.origin}/embed.js"></script>
      <table><tbody></tbody></table><script>
      const body = document.querySelector("tbody");
      for (let id = 1; id <= 5000; id += 1) {
        const badge = document.createElement("availability-badge");
        badge.setAttribute("user-id", id);
        body.insertRow().insertCell().append(badge);
      }
      window.added = [];
      (window.availabilityBridge ||= []).push((connector) => connector.observe((record) => {
        if (record.event?.type === "API.CHANGE_WATCHED_USERS" && record.kind === "sent") added.push(...record.event.payload.variables.added);
      }));
      </script>`),
  );
  const added = () => page.evaluate(() => Reflect.get(window, "added") as number[]);
  await expect.poll(added).not.toEqual([]);
  expect(Math.max(...(await added()))).toBeLessThan(200);
  await page.evaluate(() => document.querySelector('[user-id="4000"]')?.scrollIntoView());
  await expect.poll(added).toContain(4_000);
  expect(await added()).not.toContain(2_000);
});

test("dots look as in the pictures of the repository", { tag: "@chromium" }, async ({ page, host }, { project }) => {
  // Without text, and in one release of one browser: fonts and edges differ from machine to machine.
  test.skip(project.name !== "chromium-bundled", "the pictures are those of the Chromium of Playwright");
  await page.setViewportSize({ width: 700, height: 300 });
  await page.emulateMedia({ reducedMotion: "reduce" });
  for (const theme of ["light", "dark"] as const) {
    await openAllBadges(page, host.serve(await createAllBadgesPage("en", theme)));
    await expect(page.locator("div.dot")).toHaveScreenshot(`dots-${theme}.png`, { maxDiffPixelRatio: 0.01 });
  }
  await page.emulateMedia({ forcedColors: "active" });
  await expect(page.locator("div.dot")).toHaveScreenshot("dots-forced.png", { maxDiffPixelRatio: 0.01 });
});

for (const [input, use] of [
  ["mouse", (page: Page, selector: string) => page.locator(selector).click()],
  ["touch", (page: Page, selector: string) => page.locator(selector).tap()],
  // From the link before the badge to the link around the next one.
  ["keyboard", (page: Page) => page.keyboard.press("Tab").then(() => page.keyboard.press("Enter"))],
] as const) {
  test.describe(`by ${input}`, () => {
    test.use({ hasTouch: input === "touch" });

    // Firefox makes no click of Playwright's taps, on a plain link neither.
    const tag = input === "touch" ? "@chromium" : [];
    test("a badge takes neither focus nor clicks from the link around it", { tag }, async ({ page, host, gateway }) => {
      await page.goto(
        host.serve(`<!doctype html><html lang="en"><title>-</title><link rel="icon" href="data:,">
          <script async src="${gateway.origin}/embed.js"></script><a href="#before">Before</a>
          <availability-badge user-id="101"></availability-badge>
          <a href="#agent"><availability-badge user-id="123" variant="dot"></availability-badge></a>`),
      );
      const badge = page.locator('[user-id="123"]');
      await expect(badge).toHaveAttribute("data-callable", "true");
      // The link has the dot's words.
      await expect(page.getByRole("link", { name: "Available" })).toHaveAttribute("href", "#agent");
      if (input === "keyboard") await page.locator('[href="#before"]').focus();
      await use(page, '[user-id="123"]');
      await expect(page).toHaveURL(/#agent$/);
      expect(await page.evaluate(() => document.activeElement?.localName)).not.toBe("availability-badge");
    });
  });
}

test("a page's resets and shadow roots leave a badge its look, and a move its agent", async ({
  page,
  host,
  gateway,
}) => {
  await page.goto(
    host.serve(`<!doctype html><html lang="en"><title>-</title><link rel="icon" href="data:,">
      <style>*, *::before, *::after { margin: 0; padding: 0; box-sizing: content-box; border: 0; font: inherit }
        span, svg, path, slot { display: none !important; fill: red !important; color: red !important }</style>
      <script async src="${gateway.origin}/embed.js"></script><p id="first"></p><div id="second"></div>
      <script>document.querySelector("#first").innerHTML = '<availability-badge user-id="123"></availability-badge>'</script>`),
  );
  const badge = page.locator("availability-badge");
  const look = () =>
    badge.evaluate(({ shadowRoot }) => {
      const [box, mark] = [shadowRoot?.querySelector(".box"), shadowRoot?.querySelector("svg")];
      const { width = 0, height = 0 } = box?.getBoundingClientRect() ?? {};
      return [Math.round(width), Math.round(height), mark && getComputedStyle(mark).color];
    });
  await expect(badge).toHaveText("Available");
  const before = await look();
  expect(before).toEqual([expect.any(Number), expect.any(Number), "rgb(17, 113, 58)"]);
  expect(Math.min(Number(before[0]), Number(before[1]))).toBeGreaterThan(15);
  const changes = await page.evaluate(() => {
    const seen: string[] = [];
    document.addEventListener("availability-change", ({ detail }) => seen.push(detail.state));
    const moved = document.querySelector("availability-badge");
    const root = document.querySelector("#second")?.attachShadow({ mode: "open" });
    if (moved) root?.append(moved);
    // By the next task the badge has left, if it takes the move for that.
    return new Promise<readonly string[]>((resolve) => setTimeout(() => resolve(seen), 0));
  });
  expect(changes).toEqual([]);
  await expect(badge).toHaveText("Available");
  expect(await look()).toEqual(before);
});
