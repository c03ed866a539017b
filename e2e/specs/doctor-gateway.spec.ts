/** The doctor in a page, about the servers behind it: the widget's address, the gateway and the tokens. */
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { doctorPage, examine, IN_VAIN_MS, only } from "../fixtures/doctor-page.ts";
import { secondsFromNow, startRewritingProxy, startTokenGateway, withoutHeaders } from "../fixtures/doctor-sites.ts";
import { expect, test } from "../fixtures/fixtures.ts";
import { launchForPublicPage } from "../fixtures/public-page.ts";

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
      "Compare alg, kid, iss, aud, exp and customer of the token, and the key that signs it",
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
