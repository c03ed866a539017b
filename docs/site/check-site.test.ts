import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { findFaults } from "./check-site.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "site-"));
  mkdirSync(path.join(folder, "api"));
  writeFileSync(path.join(folder, "api/bridge.html"), '<h1 id="connect">connect</h1>');
});

afterEach(() => rmSync(folder, { recursive: true }));

const faultsOf = (html: string): readonly string[] => {
  writeFileSync(path.join(folder, "index.html"), html);
  return findFaults(folder, "/docs/");
};

test("finds no fault in links to pages, headings, other hosts and the demo", () => {
  const links = ["/docs/", "/docs/api/bridge.html#connect", "api/bridge.html", "#top", "https://example.com/", "/"];
  const html = links.map((href) => `<a class="link" href="${href}">link</a>`).join("");
  expect(faultsOf(`<h1 id="top">Top</h1>${html}<img src="data:image/png,0">`)).toEqual([]);
});

test("finds a link to a page that does not exist", () => {
  expect(faultsOf('<a href="/docs/gone.html">gone</a>')).toEqual([
    "index.html leads to /docs/gone.html, which does not exist",
  ]);
  expect(faultsOf('<a href="/elsewhere/">gone</a>')).toEqual(["index.html leads to /elsewhere/, which does not exist"]);
});

test("finds a link to a heading that does not exist", () => {
  expect(faultsOf('<a href="/docs/api/bridge.html#conect">misspelt</a>')).toEqual([
    "index.html leads to /docs/api/bridge.html#conect, a heading that does not exist",
  ]);
});

test.each([
  '<script type="module" src="https://cdn.example/a.js"></script>',
  '<link rel="stylesheet" href="//cdn.example/a.css">',
  '<img alt="" src="https://cdn.example/a.png">',
])("finds a resource of another host: %s", (html) => {
  expect(faultsOf(html)).toEqual([expect.stringMatching(/^index\.html loads .*cdn\.example.* from another host$/)]);
});
