/** The loader script under its release's name, for pages that pin the script by hash. */
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { linesToPaste } from "../fixtures/security-page.ts";

interface PinnedFile {
  readonly file: string;
  readonly integrity: string;
}

const { file, integrity, badge }: PinnedFile & { readonly badge: PinnedFile } = JSON.parse(
  readFileSync("dist/embed.integrity.json", "utf8"),
);

/** The pinned script tag from docs/add-the-badge.md, with a listener for a blocked script. */
function pinnedTag(origin: string): string {
  return linesToPaste("The script tag, pinned to a release", origin)
    .replace("embed-VERSION.js", file)
    .replace("sha384-HASH", integrity)
    .replace("async", `onerror="document.title = 'refused'"`);
}

/** Opens a page with the script tag. The page's title becomes the agent's status, or the error of the script. */
async function openWith(page: Page, host: HostSite, tag: string): Promise<void> {
  const queue = `window.availabilityBridge = [async (connector) => {
    const payload = { variables: { userId: 123 } };
    document.title = (await connector.request("API.FETCH_USER_AVAILABILITY", payload)).status;
  }];`;
  await page.goto(
    host.serve(`<!doctype html><title>-</title><link rel="icon" href="data:,"><script>${queue}</script>${tag}`),
  );
}

async function tamper(page: Page, origin: string): Promise<void> {
  await page.route(`${origin}/${file}`, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `${await response.text()};document.title = "tampered";` });
  });
}

test("the release's script, which comes compressed, runs under the hash that the build wrote, and finds the widget beside it", async ({
  page,
  host,
  backend,
}) => {
  const encodings: (string | undefined)[] = [];
  page.on("response", (response) => {
    if (response.url() === `${backend.origin}/${file}`) encodings.push(response.headers()["content-encoding"]);
  });
  await openWith(page, host, pinnedTag(backend.origin));
  await expect(page).toHaveTitle("available");
  await expect(page.locator("iframe")).toHaveAttribute("src", `${backend.origin}/widget/`);
  expect(encodings).toEqual([expect.stringMatching(/^(?:br|gzip)$/)]);
});

test("a script that has been tampered with is blocked if the page has pinned its hash", async ({
  page,
  host,
  backend,
}) => {
  await tamper(page, backend.origin);
  await openWith(page, host, pinnedTag(backend.origin));
  await expect(page).toHaveTitle("refused");
  await expect(page.locator("iframe")).toHaveCount(0);
  // Control: without a hash, the same script runs.
  await openWith(page, host, pinnedTag(backend.origin).replace(integrity, ""));
  await expect(page).toHaveTitle(/tampered|available/);
});

/** Opens a page with the pinned tag and a badge, whose policy has hashes in place of the widget's origin. */
async function openWithHashes(page: Page, host: HostSite, origin: string, hashes: readonly string[]): Promise<void> {
  const sources = hashes.map((hash) => `'${hash}'`).join(" ");
  await page.goto(
    host.serve(
      `<!doctype html><title>-</title><link rel="icon" href="data:,">${pinnedTag(origin)}
      <availability-badge user-id="123"></availability-badge>`,
      { "content-security-policy": `script-src ${sources}; frame-src ${origin}` },
    ),
  );
}

test("a policy with both hashes of the release lets the pinned script and the badge's file run; control: with the script's alone the badge stays empty", async ({
  page,
  host,
  backend,
}) => {
  const refused = page.waitForEvent("console", (message) => message.text().includes(badge.file));
  await openWithHashes(page, host, backend.origin, [integrity]);
  await refused;
  await expect(page.locator("availability-badge")).not.toHaveAttribute("data-state");
  await openWithHashes(page, host, backend.origin, [integrity, badge.integrity]);
  await expect(page.locator("availability-badge")).toHaveText("Available");
});

test("the release's script has the headers that a pinned script needs", async ({ request, backend }) => {
  const headers = (await request.get(`${backend.origin}/${file}`)).headers();
  expect(headers).toMatchObject({
    "cache-control": "public, max-age=31536000, immutable",
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
  });
});
