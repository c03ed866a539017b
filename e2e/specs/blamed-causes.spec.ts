/**
 * The message of `WIDGET_UNAVAILABLE` names the cause if a page can know the cause, or else all causes that a page cannot tell
 * apart. For each cause a test reads the whole sentence.
 */
import type { Page } from "@playwright/test";
import type { RawAnswer } from "../../gateway/test/scripted-backend.ts";
import { startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { connectorPage, expect, test } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { launchForPublicPage } from "../fixtures/public-page.ts";

/** Starts a connector and leaves it as `window.connector`. The short timeouts make failed attempts follow each other quickly. */
function startConnector(page: Page, src: string): Promise<void> {
  return page.evaluate((address) => {
    window.connector = window.connect({ src: address, handshakeTimeoutMs: 1_000, retryDelayMs: 100 });
  }, src);
}

/**
 * Sends requests until two messages in a row are as expected: on a busy machine the first requests may be rejected before the browser
 * has reported any evidence to the page.
 */
async function expectMessage(page: Page, src: string, checks: string): Promise<void> {
  const expected = `No widget answered at ${src}. Check that ${checks}`;
  await expect
    .poll(async () => [await readMessage(page), await readMessage(page)], { timeout: 30_000 })
    .toEqual([expected, expected]);
}

/** Connects a page of the host to an address, and waits for the message. */
async function expectMessageAt(page: Page, host: HostSite, src: string, checks: string): Promise<void> {
  await page.goto(serveUnder(host));
  await startConnector(page, src);
  await expectMessage(page, src, checks);
}

/** Sends a request, and returns the message of its rejection. */
function readMessage(page: Page): Promise<unknown> {
  return page.evaluate(() =>
    window.connector
      .request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } }, { timeoutMs: 400 })
      .catch(({ code, message }: { code: string; message: string }) =>
        code === "WIDGET_UNAVAILABLE" ? message : code,
      ),
  );
}

const ADDRESS = "it is a widget's address, ending in /widget/";
const NETWORK = `${ADDRESS}, that it can be reached and the local network is allowed`;
const policyFor = (origin: string): string => `this page's CSP has ${origin} in frame-src`;
const listFor = (...origins: string[]): string => `the vendor allows ${origins.join(" and ")}`;
const widgetFor = (...origins: string[]): string => `${ADDRESS}, that ${listFor(...origins)}`;

/** A page of the host with the connector, under a policy. */
function serveUnder(host: HostSite, policy?: string): string {
  return host.serve(
    connectorPage('<div id="container"></div>'),
    policy === undefined ? {} : { "content-security-policy": policy },
  );
}

const html = { "content-type": "text/html" };

for (const directive of ["frame-src", "child-src", "default-src"]) {
  test(`a page whose ${directive} lacks the widget's origin reads which origin to add to frame-src`, async ({
    page,
    host,
    backend,
  }) => {
    await page.goto(serveUnder(host, `${directive} 'self' 'unsafe-inline'`));
    await startConnector(page, `${backend.origin}/widget/`);
    await expectMessage(page, `${backend.origin}/widget/`, policyFor(backend.origin));
    expect(backend.countLoads()).toBe(0);
  });
}

test("a policy that only reports, or forbids another frame, is not blamed", async ({
  page,
  host,
  foreign,
  backend,
}) => {
  backend.showInstead((_request, response) => void response.writeHead(404).end());
  const headers = {
    "content-security-policy": `frame-src ${backend.origin}`,
    "content-security-policy-report-only": "frame-src 'none'",
  };
  await page.goto(host.serve(connectorPage(`<iframe src="${foreign.serve("Elsewhere")}"></iframe>`), headers));
  await startConnector(page, `${backend.origin}/widget/`);
  await expectMessage(page, `${backend.origin}/widget/`, widgetFor(host.origin));
});

/** Answers that a browser does not tell apart for a page: it shows the page no status, no header and no text of another origin. */
const STRANGE: Readonly<Record<string, RawAnswer>> = {
  "answers 404": (_request, response) => void response.writeHead(404).end("Not found"),
  "answers 500": (_request, response) => void response.writeHead(500).end("Internal error"),
  "shows a page that is no widget": (_request, response) => void response.writeHead(200, html).end("Welcome"),
  "refuses every page by X-Frame-Options": (_request, response) =>
    void response.writeHead(200, { ...html, "x-frame-options": "DENY" }).end("Welcome"),
};

for (const [what, answer] of Object.entries(STRANGE)) {
  test(`an address that ${what} is reached, so that the path and the vendor's list are left`, async ({
    page,
    host,
    backend,
  }) => {
    backend.showInstead(answer);
    await expectMessageAt(page, host, `${backend.origin}/widget/`, widgetFor(host.origin));
  });
}

test("a path of the gateway that is not the widget's is in the message, beside the end that it should have", async ({
  page,
  host,
  backend,
}) => {
  await page.goto(serveUnder(host));
  await startConnector(page, `${backend.origin}/wigdet/?customer=acme`);
  // The gateway's answer at this path is for its own pages alone, so a browser does not tell that there was one.
  await expectMessage(page, `${backend.origin}/wigdet/`, NETWORK);
});

test("a page that is not on the vendor's list reads the origin to send", async ({ page, host }) => {
  const backend = await startScriptedBackend({ answers: null, allowedOrigins: ["https://crm.example.com"] });
  await expectMessageAt(page, host, `${backend.origin}/widget/`, widgetFor(host.origin));
  await backend.close();
});

test("a listed page in a page that is not on the list reads both origins", async ({ page, host, foreign, backend }) => {
  await page.goto(foreign.serve(`<iframe src="${serveUnder(host)}"></iframe>`));
  const frame = page.frames()[1];
  if (!frame) throw new Error("The page has no frame");
  await expect.poll(() => frame.evaluate(() => typeof window.connect)).toBe("function");
  const read = (): Promise<unknown> =>
    frame.evaluate(async (src) => {
      window.connector ??= window.connect({ src, handshakeTimeoutMs: 1_000, retryDelayMs: 100 });
      const payload = { variables: { userId: 123 } };
      const request = window.connector.request("API.FETCH_USER_AVAILABILITY", payload, { timeoutMs: 400 });
      return request.catch(({ message }: { message: string }) => message);
    }, `${backend.origin}/widget/`);
  const expected = `No widget answered at ${backend.origin}/widget/. Check that ${widgetFor(host.origin, foreign.origin)}`;
  await expect.poll(read).toBe(expected);
});

const UNREACHABLE: Readonly<Record<string, () => Promise<string>>> = {
  "whose name does not resolve": async () => "http://no-such-host.invalid",
  "where nobody listens": async () => `http://127.0.0.1:${await findFreePort()}`,
};

for (const [what, findOrigin] of Object.entries(UNREACHABLE)) {
  test(`an address ${what} is not reached, and neither the vendor's list nor the policy is blamed`, async ({
    page,
    host,
  }) => {
    const origin = await findOrigin();
    await expectMessageAt(page, host, `${origin}/widget/`, NETWORK);
  });
}

const SILENT: Readonly<Record<string, RawAnswer>> = {
  "does not answer": () => {},
  "breaks the connection off": ({ socket }) => void socket.destroy(),
};

for (const [what, answer] of Object.entries(SILENT)) {
  test(`a server that ${what} is not reached, and neither the vendor's list nor the policy is blamed`, async ({
    page,
    host,
    backend,
  }) => {
    backend.showInstead(answer);
    await expectMessageAt(page, host, `${backend.origin}/widget/`, NETWORK);
  });
}

test("a browser that is offline does not reach the widget, and neither the vendor's list nor the policy is blamed", async ({
  page,
  context,
  host,
  backend,
}) => {
  await page.goto(serveUnder(host));
  await expect.poll(() => page.evaluate(() => typeof window.connect)).toBe("function");
  await context.setOffline(true);
  await startConnector(page, `${backend.origin}/widget/`);
  await expectMessage(page, `${backend.origin}/widget/`, NETWORK);
  await context.setOffline(false);
});

test("a page with https does not reach a widget with http", async ({ page, host }) => {
  // If the browser loaded this page, the message would blame the list.
  await page.route("http://widget.example.com/**", (route) =>
    route.fulfill({ body: "Welcome", contentType: "text/html" }),
  );
  await page.route("https://crm.example.com/**", async (route) => {
    const { pathname } = new URL(route.request().url());
    await route.fulfill({ response: await page.request.get(`${host.origin}${pathname}`) });
  });
  await page.goto(serveUnder(host).replace(host.origin, "https://crm.example.com"));
  await startConnector(page, "http://widget.example.com/widget/");
  await expectMessage(page, "http://widget.example.com/widget/", NETWORK);
});

test("a public page that is denied the local network reads that it has to be allowed, and then connects @chromium", async ({
  playwright,
  launchOptions,
  host,
  backend,
}) => {
  const browser = await launchForPublicPage(playwright, launchOptions, host);
  const context = await browser.newContext();
  const page = await context.newPage();
  await expectMessageAt(page, host, `${backend.origin}/widget/`, NETWORK);
  expect(backend.countLoads()).toBe(0);
  await context.grantPermissions(["local-network-access"], { origin: host.origin });
  await expect.poll(() => readMessage(page)).toMatchObject({ userId: 123 });
  await browser.close();
});

test("a policy that forbids the probe leaves every cause in the message", async ({ page, host, backend }) => {
  backend.showInstead((_request, response) => void response.writeHead(404).end());
  await page.goto(serveUnder(host, "connect-src 'self'"));
  await startConnector(page, `${backend.origin}/widget/`);
  await expectMessage(
    page,
    `${backend.origin}/widget/`,
    `${NETWORK}, that ${listFor(host.origin)}, and that ${policyFor(backend.origin)}`,
  );
});

test("a probe is a HEAD without credentials and without the page's address", async ({ page, host, backend }) => {
  const probes: Readonly<Record<string, string | string[] | undefined>>[] = [];
  backend.showInstead(({ method, headers }, response) => {
    if (method === "HEAD") probes.push({ referer: headers.referer, cookie: headers.cookie });
    response.writeHead(404).end();
  });
  await expectMessageAt(page, host, `${backend.origin}/widget/`, widgetFor(host.origin));
  expect(probes).toContainEqual({ referer: undefined, cookie: undefined });
  expect(probes.filter(({ referer, cookie }) => referer !== undefined || cookie !== undefined)).toEqual([]);
});

const PLACE = "its frame is in this document, and scrolled to if it is lazy";

test("a lazy iframe of the page's own that was not loaded is to be scrolled to, and then answers", async ({
  page,
  host,
  backend,
}) => {
  const src = `${backend.origin}/widget/`;
  await page.goto(
    host.serve(connectorPage(`<div style="height: 20000px"></div><iframe loading="lazy" src="${src}"></iframe>`)),
  );
  await page.evaluate(() => {
    const [frame] = document.querySelectorAll("iframe");
    if (frame) window.connector = window.connect({ frame, handshakeTimeoutMs: 1_000 });
  });
  await expectMessage(page, src, PLACE);
  await page.evaluate(() => {
    window.connector.onStateChange(() => {});
    document.querySelector("iframe")?.scrollIntoView();
  });
  await expect.poll(() => page.evaluate(() => window.connector.state)).toBe("ready");
  expect(await readMessage(page)).toMatchObject({ userId: 123 });
});

test("a container outside the document is named by `ready`, and by each request at once", async ({
  page,
  host,
  backend,
}) => {
  await page.goto(serveUnder(host));
  const messages = page.evaluate(async (src) => {
    const container = document.createElement("div");
    const connector = window.connect({ src, container, handshakeTimeoutMs: 500 });
    const request = connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } });
    const read = ({ message }: { message: string }): string => message;
    return Promise.all([connector.ready.then(() => "ready", read), request.then(() => "fulfilled", read)]);
  }, `${backend.origin}/widget/`);
  expect(await messages).toEqual([
    `No widget answered at ${backend.origin}/widget/. Check that ${PLACE}`,
    "The frame is not in the document",
  ]);
});

test("a container that was moved into another window's document is named by `ready`", async ({
  page,
  host,
  backend,
}) => {
  await page.goto(serveUnder(host));
  const message = page.evaluate(async (src) => {
    const container = document.querySelector("#container");
    const other = document.body.appendChild(document.createElement("iframe"));
    if (!container) throw new Error("The page has no container");
    const connector = window.connect({ src, container, handshakeTimeoutMs: 500 });
    other.contentDocument?.body.append(container);
    return connector.ready.then(
      () => "ready",
      ({ message: text }: { message: string }) => text,
    );
  }, `${backend.origin}/widget/`);
  expect(await message).toBe(`No widget answered at ${backend.origin}/widget/. Check that ${PLACE}`);
});

test("a widget that was connected, and whose server is then gone, is not reached: the list is not blamed for what once worked", async ({
  page,
  host,
  backend,
}) => {
  backend.showInstead((_request, response) => void response.writeHead(502).end());
  await expectMessageAt(page, host, `${backend.origin}/widget/`, widgetFor(host.origin));
  backend.showInstead(undefined);
  await expect.poll(() => readMessage(page)).toMatchObject({ userId: 123 });
  backend.showInstead(({ socket }) => void socket.destroy());
  await page.evaluate(() => {
    const [frame] = document.querySelectorAll("iframe");
    frame?.remove();
  });
  await expectMessage(page, `${backend.origin}/widget/`, NETWORK);
});
