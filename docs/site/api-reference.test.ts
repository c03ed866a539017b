import { expect, test } from "vitest";
import { pageOf, readEntries } from "./api-reference.ts";

test("has an entry for each export of package.json that has types", () => {
  const entries = readEntries(process.cwd());
  expect(entries).toContainEqual({ name: "availability-bridge", source: "host/index.ts" });
  expect(entries).toContainEqual({ name: "availability-bridge/badge", source: "host/badge.ts" });
  expect(entries).toContainEqual({ name: "availability-bridge/languages/de", source: "shared/languages/de.ts" });
  expect(entries.map(({ name }) => name)).not.toContain("availability-bridge/embed.js");
});

test("gives each entry a page of its own", () => {
  const pages = readEntries(process.cwd()).map(pageOf);
  expect(new Set(pages).size).toBe(pages.length);
  expect(pages).toContain("api/availability-bridge/badge.md");
});
