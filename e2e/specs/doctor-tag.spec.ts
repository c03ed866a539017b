/** The doctor of the script tag, by `data-doctor`: each test reads the page's console. */
import type { Page } from "@playwright/test";
import { expect, test } from "../fixtures/fixtures.ts";

/** Lines of the doctor in the page's console. */
function collectLines(page: Page): readonly string[] {
  const lines: string[] = [];
  page.on("console", (message) => {
    if (message.text().startsWith("availability-bridge")) lines.push(`${message.type()} ${message.text()}`);
  });
  return lines;
}

const taggedPage = (origin: string, attributes = "data-doctor"): string =>
  `<!doctype html><html lang="en"><title>Host</title><link rel="icon" href="data:,">
  <script async nonce="once" src="${origin}/embed.js" ${attributes}></script>`;

test("data-doctor writes one sentence if all is well, under a strict policy with trusted types, and nothing else", async ({
  page,
  host,
  gateway,
}) => {
  const lines = collectLines(page);
  const policy = `default-src 'none'; script-src ${gateway.origin}; frame-src ${gateway.origin}; connect-src ${gateway.origin}; img-src data:; require-trusted-types-for 'script'; trusted-types 'none'`;
  await page.goto(host.serve(taggedPage(gateway.origin), { "content-security-policy": policy }));
  await expect
    .poll(() => lines)
    .toEqual([
      `info availability-bridge doctor: The widget at ${gateway.origin}/widget/ and its gateway answer this page. Nothing is wrong.`,
    ]);
});

test("data-doctor says what is wrong with the tag's own address for tokens", async ({ page, host, gateway }) => {
  const lines = collectLines(page);
  await page.goto(host.serve(taggedPage(gateway.origin, 'data-doctor data-token-url="/no-token?key=s3cret"')));
  await expect
    .poll(() => lines)
    .toContainEqual(
      `error availability-bridge doctor: The page's address for tokens, ${host.origin}/no-token, gives none: data-token-url: expected a token, not an answer with status 404. Answer { "token": "…" } with status 200 there, or correct data-token-url. (token-unavailable)`,
    );
});

test("data-doctor names connect-src for a policy that forbids the tag's address for tokens", async ({
  page,
  host,
  gateway,
}) => {
  const lines = collectLines(page);
  const policy = `script-src 'nonce-once' ${gateway.origin}; frame-src ${gateway.origin}; connect-src 'none'`;
  const tag = taggedPage(gateway.origin, 'data-doctor data-token-url="/token"');
  await page.goto(host.serve(tag, { "content-security-policy": policy }));
  await expect
    .poll(() => lines)
    .toContainEqual(
      "error availability-bridge doctor: This page's Content-Security-Policy forbids to fetch the token. Add 'self' to connect-src of the header Content-Security-Policy. (csp-connect-src)",
    );
});

test("data-doctor names what a policy forbids to the tag's iframe", async ({ page, host, gateway }) => {
  const lines = collectLines(page);
  const policy = `script-src 'nonce-once' ${gateway.origin}; frame-src 'none'`;
  await page.goto(host.serve(taggedPage(gateway.origin), { "content-security-policy": policy }));
  await expect.poll(() => lines).toContainEqual(expect.stringMatching(/^error .*\(csp-frame-src\)$/));
});

test("the doctor's file is loaded for data-doctor alone, and not if it has been changed", async ({
  page,
  host,
  gateway,
}) => {
  const requests: string[] = [];
  page.on("request", (request) => {
    if (request.url().includes("embed-doctor")) requests.push(request.url());
  });
  const lines = collectLines(page);
  await page.goto(host.serve(taggedPage(gateway.origin, "data-debug")));
  await expect.poll(() => lines).toContainEqual(expect.stringContaining("Connector ready"));
  expect(requests).toEqual([]);
  await page.route(/embed-doctor/, async (route) => {
    const response = await route.fetch();
    await route.fulfill({ response, body: `document.title = "run";${await response.text()}` });
  });
  await page.goto(host.serve(taggedPage(gateway.origin)));
  await expect.poll(() => lines).toContainEqual(expect.stringMatching(/embed-doctor-\w+\.js could not be loaded/));
  expect(await page.title()).toBe("Host");
});
