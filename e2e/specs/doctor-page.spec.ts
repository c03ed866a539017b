/** The doctor in a page, about the page itself: each test makes one fault, and reads the sentence. */
import { readFileSync } from "node:fs";
import { startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { bundle } from "../../scripts/bundle.mjs";
import { codes, doctorPage, examine, IN_VAIN_MS, only } from "../fixtures/doctor-page.ts";
import { AVAILABLE, expect, test } from "../fixtures/fixtures.ts";

test("control: a page whose bridge works has no finding, by the options of connect and by a connector, and keeps no iframe of the doctor", async ({
  page,
  host,
  gateway,
}) => {
  await page.goto(host.serve(doctorPage()));
  const src = `${gateway.origin}/widget/`;
  expect(await examine(page, src)).toEqual({ isHealthy: true, findings: [] });
  await expect(page.locator("iframe")).toHaveCount(0);
  const report = await page.evaluate(async (address) => {
    const connector = window.connect({ src: address });
    return window.diagnose(connector);
  }, src);
  expect(report).toEqual({ isHealthy: true, findings: [] });
  await expect(page.locator("iframe")).toHaveCount(1);
});

test("names frame-src for a policy whose frame-src forbids the iframe, without a wait", async ({
  page,
  host,
  gateway,
}) => {
  const policy = "frame-src 'self'; default-src 'self' 'unsafe-inline'";
  await page.goto(host.serve(doctorPage(), { "content-security-policy": policy }));
  expect(only(await examine(page, `${gateway.origin}/widget/`))).toEqual({
    code: "csp-frame-src",
    severity: "error",
    message: `This page's Content-Security-Policy forbids the widget's iframe. Add ${gateway.origin} to frame-src of the header Content-Security-Policy.`,
    change: { of: "page", name: "Content-Security-Policy", value: `frame-src 'self' ${gateway.origin}` },
  });
});

for (const directive of ["child-src", "default-src"]) {
  test(`gives the whole frame-src for a policy whose ${directive} forbids the iframe`, async ({
    page,
    host,
    gateway,
  }) => {
    const policy = `${directive} 'self' 'unsafe-inline'`;
    await page.goto(host.serve(doctorPage(), { "content-security-policy": policy }));
    const finding = only(await examine(page, `${gateway.origin}/widget/`));
    const value = `frame-src 'self' 'unsafe-inline' ${gateway.origin}`;
    expect(finding).toEqual({
      code: "csp-frame-src",
      severity: "error",
      message: `This page's Content-Security-Policy forbids the widget's iframe. The policy has no frame-src, so that ${directive} applies. Add to the header Content-Security-Policy the directive ${value}.`,
      change: { of: "page", name: "Content-Security-Policy", value },
    });
    const mended = { "content-security-policy": `${policy}; ${finding.change?.value}` };
    await page.goto(host.serve(doctorPage(), mended));
    expect(await examine(page, `${gateway.origin}/widget/`)).toEqual({ isHealthy: true, findings: [] });
  });
}

test("names script-src for a policy that has blocked the script before @chromium", async ({ page, host, gateway }) => {
  const policy = "script-src 'self' 'nonce-once'";
  const tag = `<script src="${gateway.origin}/embed.js"></script>`;
  await page.goto(host.serve(doctorPage(tag), { "content-security-policy": policy }));
  expect(only(await examine(page, `${gateway.origin}/widget/`)).message).toBe(
    `This page's Content-Security-Policy forbids the script and the files that it loads. Add ${gateway.origin} to script-src of the header Content-Security-Policy.`,
  );
});

test("names trusted types for a page whose code gives a script its address as a text @chromium", async ({
  page,
  host,
  gateway,
}) => {
  const policy = "require-trusted-types-for 'script'; trusted-types 'none'";
  await page.goto(host.serve(doctorPage(), { "content-security-policy": policy }));
  await page.evaluate((src) => {
    try {
      document.head.append(Object.assign(document.createElement("script"), { src }));
    } catch {
      // As expected: the page's own code has thrown.
    }
  }, `${gateway.origin}/embed.js`);
  const finding = only(await examine(page, `${gateway.origin}/widget/`));
  expect(finding.code).toBe("csp-trusted-types");
  expect(finding.message).toContain(
    "Write the script tag into the page's HTML, or make the address by createScriptURL",
  );
});

test("names the flags that the sandbox of the page's own iframe lacks", async ({ page, host, gateway }) => {
  const src = `${gateway.origin}/widget/`;
  await page.goto(host.serve(doctorPage(`<iframe src="${src}" sandbox="allow-scripts allow-forms"></iframe>`)));
  expect(only(await examine(page, src))).toMatchObject({
    code: "sandbox-flags",
    message:
      'The widget\'s iframe has sandbox="allow-scripts allow-forms", without which flags the widget has no scripts or no origin. Add allow-same-origin to its attribute sandbox, or remove the attribute.',
  });
});

test("says of a page in a sandbox that its origin is null, and what to do", async ({ page, host, gateway }) => {
  await page.goto(
    host.serve("<!doctype html><title>page</title>", { "content-security-policy": "sandbox allow-scripts" }),
  );
  // A page without an origin may import no module of its site.
  await page.addScriptTag({
    content: `${await bundle("host/doctor.ts", { format: "iife" })}; window.diagnose = bundled.diagnose;`,
  });
  const report = await examine(page, `${gateway.origin}/widget/`, { timeoutMs: IN_VAIN_MS });
  expect(only(report).message).toMatch(
    /^This page has the origin null, .* add allow-same-origin to the attribute sandbox/,
  );
});

test("says that a page with https needs a widget with https", async ({ page, host }) => {
  await page.route("https://crm.example.com/**", async (route) => {
    const { pathname } = new URL(route.request().url());
    await route.fulfill({ response: await page.request.get(`${host.origin}${pathname}`) });
  });
  await page.goto(host.serve(doctorPage()).replace(host.origin, "https://crm.example.com"));
  expect(only(await examine(page, "http://widget.example.com/widget/", { timeoutMs: IN_VAIN_MS }))).toMatchObject({
    code: "mixed-content",
    message:
      "This page has https and the widget's address http, which browsers block. Write https in src of the script tag, or in the option src.",
  });
});

test("names the addresses of two releases of the script, and counts the same tag twice", async ({
  page,
  host,
  gateway,
}) => {
  const { file } = JSON.parse(readFileSync("dist/embed.integrity.json", "utf8"));
  const tag = (name: string): string => `<script async src="${gateway.origin}/${name}"></script>`;
  await page.goto(host.serve(doctorPage(tag(file) + tag("embed.js"))));
  expect(only(await examine(page, `${gateway.origin}/widget/`))).toMatchObject({
    code: "mixed-releases",
    severity: "warning",
    message: `This page has the script twice, from ${gateway.origin}/${file} and ${gateway.origin}/embed.js: the first that runs serves the page, also if it is the older one. Keep one script tag, the one with the address that the vendor gives now.`,
  });
  await page.goto(host.serve(doctorPage(tag("embed.js") + tag("embed.js"))));
  expect(only(await examine(page, `${gateway.origin}/widget/`))).toMatchObject({
    code: "double-load",
    message: expect.stringMatching(/^This page has the same script tag 2 times: .* Keep one of them\.$/),
  });
});

test("counts two copies of the connector, as of the script tag and of the package", async ({ page, host, gateway }) => {
  await page.goto(host.serve(doctorPage(`<script async src="${gateway.origin}/embed.js"></script>`)));
  await page.waitForFunction(() => "connect" in window);
  await page.evaluate(async (src) => {
    await window.connect({ src }).ready;
  }, `${gateway.origin}/widget/`);
  await expect(page.locator("iframe")).toHaveCount(2);
  expect(only(await examine(page, `${gateway.origin}/widget/`))).toMatchObject({
    code: "double-load",
    message: expect.stringContaining(
      "This page has 2 copies of the connector, as if the script tag and the package were both used",
    ),
  });
});

test("names the address of a script tag that gets a status, or HTML, in place of a script", async ({
  page,
  host,
  gateway,
}) => {
  await page.goto(host.serve(doctorPage(`<script async src="${gateway.origin}/embed-9.9.9.js"></script>`)));
  expect(only(await examine(page, `${gateway.origin}/widget/`))).toMatchObject({
    code: "script-wrong-path",
    message: `The script's address ${gateway.origin}/embed-9.9.9.js answers with status 404. Copy the address from the vendor's message again: src of the script tag ends in /embed.js.`,
    change: { value: `${gateway.origin}/embed.js` },
  });
  await page.goto(host.serve(doctorPage(`<script async src="${gateway.origin}/c/demo/embed-9.9.9.js"></script>`)));
  expect(only(await examine(page, `${gateway.origin}/widget/`))).toMatchObject({
    code: "script-wrong-path",
    change: { value: `${gateway.origin}/c/demo/embed.js` },
  });
  await page.route("**/embed.js", (route) => route.fulfill({ body: "<h1>Welcome</h1>", contentType: "text/html" }));
  await page.goto(host.serve(doctorPage(`<script async src="${host.origin}/embed.js"></script>`)));
  expect(only(await examine(page, `${gateway.origin}/widget/`)).message).toContain(
    "answers with text/html in place of a script",
  );
});

test("a report has each code once for a message, and errors before warnings", async ({ page, host }) => {
  const backend = await startScriptedBackend({ answers: AVAILABLE, allowedOrigins: [host.origin] });
  backend.answerWith({ status: 503, body: {} });
  const tag = `<script async src="${backend.origin}/embed.js"></script>`;
  await page.goto(host.serve(doctorPage(tag + tag)));
  expect(codes(await examine(page, `${backend.origin}/widget/`))).toEqual(["backend-error", "double-load"]);
  await backend.close();
});
