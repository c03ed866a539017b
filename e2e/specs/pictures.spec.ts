/** Badges and the panel beside their pictures in the repository: in one release of one browser, with its own fonts, on any machine. */
import path from "node:path";
import { chooseEngines } from "../../scripts/testing/browsers.mjs";
import { createAllBadgesPage } from "../fixtures/all-badges.ts";
import { expect, test } from "../fixtures/fixtures.ts";
import { createPanelScreen } from "../fixtures/panel-screens.ts";

const bundled = chooseEngines().chromiums.find(({ kind }) => kind === "bundled");

test.use(
  bundled
    ? {
        launchOptions: {
          executablePath: bundled.executablePath,
          // The package's fonts, also on a machine that has others, and no differences by its screen.
          env: { ...process.env, ...bundled.environment, FONTCONFIG_PATH: path.dirname(bundled.executablePath) },
          args: ["--no-sandbox", "--font-render-hinting=none", "--disable-lcd-text"],
        },
      }
    : {},
);

test.describe("in the Chromium of the npm package", { tag: "@chromium" }, () => {
  test.skip(() => test.info().project.name !== "chromium-bundled", "the pictures are those of one browser");

  test.beforeEach(async ({ page }) => {
    await page.emulateMedia({ reducedMotion: "reduce" });
    // Both clocks stand still: a wrap-up time does not run down. Timers and frames of animation go on.
    await page.addInitScript(() => {
      performance.now = () => 1_000;
      Date.now = () => 1_700_000_000_000;
    });
  });

  for (const theme of ["light", "dark"] as const) {
    test(`pills and lines look as in their pictures on a ${theme} page`, async ({ page, host }) => {
      await page.setViewportSize({ width: 760, height: 900 });
      await page.goto(host.serve(await createAllBadgesPage("en", theme)));
      await expect(page.locator('availability-badge[data-state="loading"]')).toHaveCount(3);
      for (const variant of ["pill", "full"]) {
        await expect(page.locator(`div.${variant}`)).toHaveScreenshot(`${variant}-${theme}.png`);
      }
    });

    for (const screen of ["team", "connecting", "failed"] as const) {
      test(`the screen ${screen} of the panel looks as in its picture in the ${theme} theme`, async ({
        page,
        host,
      }) => {
        await page.setViewportSize({ width: 340, height: 480 });
        await page.goto(host.serve(await createPanelScreen(screen, "en", theme)));
        await expect(page.locator("html[data-ready]")).toBeVisible();
        await expect(page).toHaveScreenshot(`panel-${screen}-${theme}.png`);
      });
    }
  }
});
