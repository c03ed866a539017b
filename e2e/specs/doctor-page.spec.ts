/** The doctor in a page: each test makes one fault, and reads the sentence. */
import { readFileSync } from "node:fs";
import type { Page } from "@playwright/test";
import { startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import type { diagnose, Finding, Report } from "../../host/doctor.ts";
import { bundle } from "../../scripts/bundle.mjs";
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { secondsFromNow, startRewritingProxy, startTokenGateway, withoutHeaders } from "../fixtures/doctor-sites.ts";
import { AVAILABLE, expect, test } from "../fixtures/fixtures.ts";
import { launchForPublicPage } from "../fixtures/public-page.ts";

declare global {
  interface Window {
    diagnose: typeof diagnose;
  }
}

/** A page with the package's `connect` and `diagnose` as globals. */
function doctorPage(body = ""): string {
  return `<!doctype html><html lang="en"><head><title>Host</title><link rel="icon" href="data:,">
    <script type="module" nonce="once">
      import { connect } from "/dist/index.js";
      import { diagnose } from "/dist/doctor.js";
      Object.assign(window, { connect, diagnose });
    </script></head><body>${body}</body></html>`;
}

/** Wait of the doctor for a widget that does not come, in milliseconds. */
const IN_VAIN_MS = 1_500;

interface Examination {
  readonly timeoutMs?: number;
  /** The token that the page's function returns. */
  readonly token?: string;
}

/** Examines a widget from the page that is open. */
async function examine(page: Page, src: string, { timeoutMs, token }: Examination = {}): Promise<Report> {
  await page.waitForFunction(() => "diagnose" in window);
  return page.evaluate(
    ([address, given, waits]) =>
      window.diagnose({ src: address, ...(given !== undefined && { fetchToken: () => given }) }, waits),
    [src, token, timeoutMs === undefined ? {} : { timeoutMs }] as const,
  );
}

const codes = ({ findings }: Report): readonly string[] => findings.map(({ code }) => code);

/** The only finding of a report. */
function only({ findings, isHealthy }: Report): Finding {
  expect(isHealthy).toBe(false);
  expect(findings).toEqual([expect.anything()]);
  const [finding] = findings;
  if (!finding) throw new Error("There is no finding");
  return finding;
}

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

test("names path, list, headers and the command for a server that answers without a widget", async ({ page, host }) => {
  const gateway = await startGatewayProcess(
    { GATEWAY_PORT: "0", ALLOWED_ORIGINS: "https://crm.example.com" },
    () => {},
  );
  await page.goto(host.serve(doctorPage()));
  const { code, message, change } = only(await examine(page, `${gateway.origin}/widget/`, { timeoutMs: IN_VAIN_MS }));
  expect(code).toBe("no-widget");
  expect(message).toBe(
    `A server answers at ${gateway.origin}/widget/, and no widget. Check that it is a widget's address, ending in /widget/, that the vendor allows ${host.origin} by ALLOWED_ORIGINS of the gateway, and that no proxy adds X-Frame-Options. The command availability-bridge doctor tells which of these it is.`,
  );
  expect(change).toEqual({ of: "gateway", name: "ALLOWED_ORIGINS", value: host.origin });
  await gateway.stop();
});

test("names the two headers of isolation as well on a page that is isolated", async ({ page, host, gateway }) => {
  const proxy = await startRewritingProxy(gateway.origin, (headers) =>
    withoutHeaders(headers, "cross-origin-embedder-policy"),
  );
  const isolation = { "cross-origin-embedder-policy": "require-corp", "cross-origin-opener-policy": "same-origin" };
  await page.goto(host.serve(doctorPage(), isolation));
  expect(only(await examine(page, `${proxy.origin}/widget/`, { timeoutMs: IN_VAIN_MS })).message).toContain(
    "that a proxy passes its headers Cross-Origin-Embedder-Policy and Cross-Origin-Resource-Policy on",
  );
  await proxy.close();
});

test("says of an address where nobody listens how to tell the server from the browser", async ({ page, host }) => {
  const origin = `http://127.0.0.1:${await findFreePort()}`;
  await page.goto(host.serve(doctorPage()));
  const { code, message } = only(await examine(page, `${origin}/widget/?secret=1`, { timeoutMs: IN_VAIN_MS }));
  expect(code).toBe("widget-unreachable");
  expect(message).toMatch(new RegExp(`^This page does not reach ${origin}/widget/\\. Open the address in a tab\\.`));
});

test("names the local network for a public page that is denied it @chromium @whole-browser", async ({
  playwright,
  launchOptions,
  host,
  gateway,
}) => {
  const browser = await launchForPublicPage(playwright, launchOptions, host);
  const page = await browser.newPage();
  await page.goto(host.serve(doctorPage()));
  const finding = only(await examine(page, `${gateway.origin}/widget/`, { timeoutMs: IN_VAIN_MS }));
  expect(finding).toMatchObject({
    code: "local-network",
    message: `The browser does not let this page reach ${gateway.origin}, which is in the local network. Allow Local network access in the site's settings, to the left of the address.`,
  });
  await browser.close();
});

test("tells a gateway that does not answer the widget from a widget that does not come", async ({
  page,
  host,
  backend,
}) => {
  backend.answerWith({ unreachable: true });
  await page.goto(host.serve(doctorPage()));
  expect(only(await examine(page, `${backend.origin}/widget/`))).toMatchObject({
    code: "gateway-unreachable",
    message: `The widget is loaded, and the gateway does not answer its request below ${backend.origin}. Start the gateway, and see whether a proxy passes /v1/ on to it.`,
  });
});

test("tells an API that a proxy does not pass on from an agent whom the gateway does not know", async ({
  page,
  host,
  backend,
}) => {
  backend.answerWith({ status: 404, contentType: "text/html", text: "<h1>Not found</h1>" });
  await page.goto(host.serve(doctorPage()));
  expect(only(await examine(page, `${backend.origin}/widget/`))).toMatchObject({
    code: "api-not-passed",
    message: expect.stringContaining(`/v1/ at ${backend.origin} answers with status 404 and not as the gateway does`),
  });
});

test("names the status of a gateway that is overloaded", async ({ page, host, backend }) => {
  backend.answerWith({ status: 503, body: { status: 503 } });
  await page.goto(host.serve(doctorPage()));
  expect(only(await examine(page, `${backend.origin}/widget/`))).toMatchObject({
    code: "backend-error",
    message: expect.stringMatching(
      /^The gateway answers with status 503: .* tell the vendor the time and the X-Request-Id/,
    ),
  });
});

test("a telephony system that rejects the gateway's own credentials is not blamed on the page's token", async ({
  page,
  host,
  backend,
}) => {
  await page.goto(host.serve(doctorPage()));
  for (const status of [401, 403]) {
    backend.answerWith({ status, body: { status, detail: "The telephony system rejects the credentials" } });
    expect(only(await examine(page, `${backend.origin}/widget/`, { token: "t1" }))).toMatchObject({
      code: "backend-error",
      message: expect.stringContaining("the telephony system rejects the gateway's own credentials. Tell the vendor."),
    });
  }
});

test("says why the gateway refuses a token, and never shows the token", async ({ page, host }) => {
  const gateway = await startTokenGateway(host.origin);
  await page.goto(host.serve(doctorPage()));
  const src = `${gateway.origin}/widget/`;
  const cases = [
    [
      undefined,
      "token-missing",
      "The gateway needs a token, and got none. Set data-token-url on the script tag, or fetchToken of connect.",
    ],
    ["opaque-secret", "token-claim", "The gateway refuses the token, which is no JWT: expected three parts"],
    [await gateway.sign({ exp: secondsFromNow(-600) }), "token-expired", "The token has expired 60"],
    [
      await gateway.sign({ nbf: secondsFromNow(600) }),
      "clock-skew",
      "s in the future by this computer's clock. Set the clock of the server that signs tokens",
    ],
    [
      await gateway.sign({ sub: 123 }),
      "token-claim",
      'whose claim sub is another value. Sign tokens with sub: expected a user id in decimal, as text, or "operator".',
    ],
    [
      await gateway.sign({ exp: Date.now() + 300_000 }),
      "token-claim",
      "whose claim exp is another value. Sign tokens with exp: expected a number of seconds since 1970.",
    ],
    [await gateway.sign({ customer: undefined }), "token-claim", "whose claim customer is missing."],
    [
      await gateway.sign({}, "another secret of 32 bytes, at the least"),
      "token-refused",
      "Compare alg, kid, iss, aud and customer of the token, and the key that signs it",
    ],
    [
      await gateway.sign({ scope: "calls:read" }),
      "token-scope",
      "The token lacks the scope availability:read. Sign tokens with the claim scope",
    ],
  ] as const;
  for (const [token, code, part] of cases) {
    const report = await examine(page, src, token === undefined ? {} : { token });
    expect(only(report)).toMatchObject({ code, message: expect.stringContaining(part) });
    if (token !== undefined) expect(JSON.stringify(report)).not.toContain(token);
  }
  expect(await examine(page, src, { token: await gateway.sign() })).toEqual({ isHealthy: true, findings: [] });
  await gateway.stop();
});

test("says that the page's function gives no token, and not the error, which may hold a secret", async ({
  page,
  host,
  gateway,
}) => {
  await page.goto(host.serve(doctorPage()));
  await page.waitForFunction(() => "diagnose" in window);
  const report = await page.evaluate(
    (src) => window.diagnose({ src, fetchToken: () => Promise.reject(new Error("no sign-in for s3cret")) }),
    `${gateway.origin}/widget/`,
  );
  expect(only(report).message).toBe(
    "The page's function fetchToken gives no token within 5 s, or none of 1 to 8192 characters. The console has its error.",
  );
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
  });
  await page.route("**/embed.js", (route) => route.fulfill({ body: "<h1>Welcome</h1>", contentType: "text/html" }));
  await page.goto(host.serve(doctorPage(`<script async src="${host.origin}/embed.js"></script>`)));
  expect(only(await examine(page, `${gateway.origin}/widget/`)).message).toContain(
    "answers with text/html in place of a script",
  );
});

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

test("a report has each code once for a message, and errors before warnings", async ({ page, host }) => {
  const backend = await startScriptedBackend({ answers: AVAILABLE, allowedOrigins: [host.origin] });
  backend.answerWith({ status: 503, body: {} });
  const tag = `<script async src="${backend.origin}/embed.js"></script>`;
  await page.goto(host.serve(doctorPage(tag + tag)));
  expect(codes(await examine(page, `${backend.origin}/widget/`))).toEqual(["backend-error", "double-load"]);
  await backend.close();
});
