import { expect, test } from "vitest";
import { addPolicy } from "./policy.ts";

const page = (head: string, body = ""): string =>
  `<html><head><meta charset="utf-8">${head}</head><body>${body}</body></html>`;

/** Hash of `alert(1)` as the attribute `integrity` has it. */
const ALERT = "sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=";

test("allows the page's inline scripts by their hashes, and no other", () => {
  const html = addPolicy(page('<script src="/docs/app.js"></script><script>alert(1)</script>'));
  expect(html).toContain(`script-src 'self' '${ALERT}';`);
  expect(html).not.toContain("'unsafe-inline'");
  expect(html).not.toContain("style-src-attr");
});

test("allows the page's style attributes by their hashes", () => {
  const html = addPolicy(page("", '<div style="alert(1)"></div><div style="alert(1)"></div>'));
  expect(html).toContain(`style-src-attr 'unsafe-hashes' '${ALERT}';`);
});

test("puts the policy before all that it is for", () => {
  const html = addPolicy(page("<script>alert(1)</script>"));
  expect(html.indexOf("Content-Security-Policy")).toBeLessThan(html.indexOf("<script>"));
});

test("refuses a page without a place for the policy", () => {
  expect(() => addPolicy("<html></html>")).toThrow('A page of the site has no <meta charset="utf-8">');
});
