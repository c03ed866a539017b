/** Each screen of the widget's panel, in each language and theme, and what moves while it fills in. */
import AxeBuilder from "@axe-core/playwright";
import { LANGUAGES } from "../../shared/languages/language.ts";
import { collectComplaints, expect, test } from "../fixtures/fixtures.ts";
import { createPanelScreen, PANEL_SCREENS } from "../fixtures/panel-screens.ts";

/** Rules about whole pages: the panel is the content of an iframe. */
const PAGE_RULES = ["page-has-heading-one", "landmark-one-main", "region"];

for (const theme of ["light", "dark"] as const) {
  for (const language of LANGUAGES) {
    test(`each screen in ${language} in the ${theme} theme has words and contrasts that axe accepts @once`, async ({
      page,
      host,
    }) => {
      test.slow();
      const complaints = await collectComplaints(page);
      await page.setViewportSize({ width: 320, height: 560 });
      for (const screen of PANEL_SCREENS) {
        await page.goto(host.serve(await createPanelScreen(screen, language, `${theme} #7a1fa2`)));
        await expect(page.locator("html[data-ready]")).toHaveAttribute("lang", language);
        await expect(page.locator("html")).toHaveCSS("color-scheme", theme);
        const { violations } = await new AxeBuilder({ page }).disableRules(PAGE_RULES).analyze();
        const found = violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
        expect({ screen, found }).toEqual({ screen, found: [] });
        // Nothing is cut off at the least width.
        expect({ screen, width: await page.evaluate(() => document.documentElement.scrollWidth) }).toEqual({
          screen,
          width: 320,
        });
      }
      expect(complaints).toEqual([]);
    });
  }
}

test("until the team is there, the panel shows the places of its parts, and one word for those who hear it", async ({
  page,
  host,
}) => {
  await page.setViewportSize({ width: 340, height: 480 });
  await page.goto(host.serve(await createPanelScreen("connecting", "en", "light")));
  await expect(page.getByRole("status")).toHaveText("Loading");
  await expect(page.locator("body")).toMatchAriaSnapshot(`
    - text: Your status
    - combobox "Your status" [disabled]
    - status: Loading
  `);
  const readPlaces = (): Promise<readonly (readonly number[])[]> =>
    page.locator(".own, .search, .list, .connection").evaluateAll((parts) =>
      parts.map((part) => {
        const { x, y, width, height } = part.getBoundingClientRect();
        return [x, y, width, height];
      }),
    );
  const places = await readPlaces();
  await page.goto(host.serve(await createPanelScreen("pending", "en", "light")));
  await expect(page.getByRole("listbox", { name: "Team" })).toBeVisible();
  expect(await readPlaces()).toEqual(places);
});
