/** Runs the README's examples exactly as printed, with another address of the widget. */
import { readdirSync, readFileSync } from "node:fs";
import { brotliCompressSync } from "node:zlib";
import { LANGUAGES } from "../../shared/languages/language.ts";
import { bundleExample, examplesIn, exampleWith, expectConsole } from "../fixtures/documentation.ts";
import { expect } from "../fixtures/fixtures.ts";
import { test } from "../fixtures/kept-page.ts";

const file = "README.md";

test("the two lines to paste show that agent 123 is available", async ({ page, host, gateway }) => {
  const lines = ["<script async", "<availability-badge"].map((text) =>
    exampleWith(text, { file, language: "html", gateway: gateway.origin }),
  );
  await page.goto(host.serve(`<!doctype html>${lines.join("")}`));
  await expect(page.locator("availability-badge")).toHaveText("Available");
  await expect(page.locator("iframe")).toBeHidden();
});

test("the queue's example says that agent 123 is available", async ({ page, host, gateway }) => {
  const options = { file, language: "html", gateway: gateway.origin };
  const html = `${exampleWith("<script async", options)}${exampleWith("availabilityBridge", options)}`;
  await expectConsole(page, host.serve(`<!doctype html>${html}`), "Agent 123 is available");
});

test("the TypeScript example says that agent 123 can be called", async ({ page, host, gateway }) => {
  const script = await bundleExample(exampleWith("connect(", { file, language: "ts", gateway: gateway.origin }));
  const address = host.serve(`<!doctype html><script type="module">${script}</script>`);
  await expectConsole(page, address, "Agent 123: available, call now");
});

test("the TypeScript example says what went wrong if the agent does not exist", async ({ page, host, gateway }) => {
  const example = exampleWith("connect(", { file, language: "ts", gateway: gateway.origin });
  const script = await bundleExample(example.replace("userId: 123", "userId: 404404"));
  const address = host.serve(`<!doctype html><script type="module">${script}</script>`);
  await expectConsole(
    page,
    address,
    /^RejectedError: API.FETCH_USER_AVAILABILITY was rejected by the backend with status 404/,
  );
});

test("the sizes that the README names are those of the build, within a tenth", { tag: "@once" }, () => {
  const readme = readFileSync(file, "utf8");
  const [, script, widget] =
    /about (\d+) kB of script into your page and up to (\d+) kB into the iframe/.exec(readme) ?? [];
  const badges = readdirSync("dist").filter((name) => name.startsWith("embed-badge-"));
  expectAbout(Number(script) * 1_000, sizeOf(["embed.js", ...badges].map((name) => `dist/${name}`)));
  // A page loads one language.
  const others = LANGUAGES.filter((language) => language !== "ja");
  const assets = readdirSync("gateway/dist/widget/assets").filter(
    (name) => name.endsWith(".js") && !others.some((language) => name.startsWith(`${language}-`)),
  );
  const loaded = ["index.html", ...assets.map((name) => `assets/${name}`)].map((name) => `gateway/dist/widget/${name}`);
  expectAbout(Number(widget) * 1_000, sizeOf(loaded));
});

/** Expects that the named size differs from the real size by less than a tenth. */
function expectAbout(named: number, bytes: number): void {
  expect(named).toBeGreaterThan(bytes * 0.9);
  expect(named).toBeLessThan(bytes * 1.1);
}

function sizeOf(files: readonly string[]): number {
  return files.reduce((bytes, name) => bytes + brotliCompressSync(readFileSync(name)).length, 0);
}

for (const page of ["README.md", "docs/add-the-badge.md", "docs/use-the-connector.md", "gateway/README.md"]) {
  test(`no HTML to copy from ${page} means anything to a template engine`, { tag: "@once" }, () => {
    const examples = examplesIn(page, "html");
    expect(examples.length).toBeGreaterThan(0);
    // The syntax of PHP, Smarty, Jinja, Handlebars and JavaScript's own templates.
    expect(examples.filter((code) => /`|\$\{|\{\{|\{%|\{#|\{[a-z$]|<\?|\$[a-z]/i.test(code))).toEqual([]);
  });
}
