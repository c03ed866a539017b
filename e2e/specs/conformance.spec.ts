/** The conformance kit: passes our own widget and page and plain penpal ones, and finds each planted fault. */
import { execFile } from "node:child_process";
import { pathToFileURL } from "node:url";
import type { Browser } from "@playwright/test";
import { checkHost } from "../../host/cli/conformance/check-host.ts";
import { checkWidget } from "../../host/cli/conformance/check-widget.ts";
import type { Report } from "../../host/cli/conformance/report.ts";
import { readVectors } from "../../host/cli/conformance/vectors.ts";
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { EMBEDS, test } from "../fixtures/conformance-sites.ts";
import { connectorPage, expect } from "../fixtures/fixtures.ts";

/** A run of every rule takes about 20 s, and several times as long on a busy machine. */
const WHOLE_RUN_MS = 300_000;

const vectors = readVectors(pathToFileURL("dist/vectors.json"));

function tryWidget(browser: Browser, url: string, origin: string, only?: string): Promise<Report> {
  const target = { url: new URL(url), origin, isDirect: false, vectors };
  return checkWidget(browser, target, (id) => only === undefined || id === only);
}

function tryHost(browser: Browser, url: string, embeds = EMBEDS, only?: string): Promise<Report> {
  const target = { url: new URL(url), embeds: new URL(embeds), vectors };
  return checkHost(browser, target, (id) => only === undefined || id === only);
}

/** Broken rules with their faults. */
function brokenIn({ results }: Report): readonly unknown[] {
  return results.flatMap(({ id, outcome }) => (outcome.result === "fail" ? [{ id, faults: outcome.faults }] : []));
}

function skippedIn({ results }: Report): readonly string[] {
  return results.filter(({ outcome }) => outcome.result === "skip").map(({ id }) => id);
}

function brokenMustsIn({ results }: Report): readonly string[] {
  return results.filter(({ level, outcome }) => level === "must" && outcome.result === "fail").map(({ id }) => id);
}

test("our own widget keeps every rule and every vector @once", async ({ browser, kitOrigin }) => {
  test.setTimeout(WHOLE_RUN_MS);
  const gateway = await startGatewayProcess({ GATEWAY_PORT: "0", ALLOWED_ORIGINS: kitOrigin }, () => {});
  const report = await tryWidget(browser, `${gateway.origin}/widget/`, kitOrigin);
  expect(brokenIn(report)).toEqual([]);
  expect(skippedIn(report)).toEqual([]);
  await gateway.stop();
});

test("our own widget keeps the rules that need no script, from its own address @once", async ({
  browser,
  kitOrigin,
}) => {
  test.setTimeout(WHOLE_RUN_MS);
  const gateway = await startGatewayProcess({ GATEWAY_PORT: "0", ALLOWED_ORIGINS: kitOrigin }, () => {});
  const target = { url: new URL(`${gateway.origin}/widget/`), origin: kitOrigin, isDirect: true, vectors };
  const report = await checkWidget(browser, target);
  expect(brokenIn(report)).toEqual([]);
  expect(skippedIn(report)).toContain("deadline");
  expect(skippedIn(report)).not.toContain("fetch-user");
  await gateway.stop();
});

test("a plain penpal widget keeps every must @once", async ({ browser, kitOrigin, widgetWith }) => {
  test.setTimeout(WHOLE_RUN_MS);
  const report = await tryWidget(browser, widgetWith(), kitOrigin);
  expect(brokenMustsIn(report).length, JSON.stringify(brokenIn(report), null, 1)).toBe(0);
});

const PAGE = `<script type="module">
  const connector = window.connect({ src: "${EMBEDS}", app: { name: "Own", release: "1" }, fetchToken: () => "own.token.1" });
  connector.watch(123, () => {});
  connector.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } }).catch(() => {});
</script>`;

test("a page with our own connector keeps every rule", async ({ browser, host }) => {
  test.setTimeout(WHOLE_RUN_MS);
  const report = await tryHost(browser, host.serve(connectorPage(PAGE)));
  expect(brokenIn(report)).toEqual([]);
  expect(skippedIn(report)).toEqual([]);
});

test("a page with our own script tag keeps every rule @once", async ({ browser, host, gateway }) => {
  test.setTimeout(WHOLE_RUN_MS);
  const tag = `<script async src="${gateway.origin}/embed.js"></script><availability-badge user-id="123"></availability-badge>`;
  const report = await tryHost(
    browser,
    host.serve(`<!doctype html><title>CRM</title><body>${tag}</body>`),
    `${gateway.origin}/widget/`,
  );
  expect(brokenIn(report)).toEqual([]);
});

test("a plain penpal page keeps every must", async ({ browser, hostWith }) => {
  test.setTimeout(WHOLE_RUN_MS);
  const report = await tryHost(browser, hostWith());
  expect(brokenMustsIn(report).length, JSON.stringify(brokenIn(report), null, 1)).toBe(0);
});

/** Faults of the plain widget, with the rule that finds each. */
const WIDGET_FAULTS = {
  "own-channel": "handshake",
  "more-methods": "one-method",
  "settles-twice": "one-settlement",
  throws: "never-rejects",
  "no-echo": "echoed-id",
  "number-ids": "echoed-id",
  "text-errors": "unknown-event",
  "always-fulfils": "unknown-event",
  "inherited-events": "unknown-event",
  "meta-unchecked": "invalid-meta",
  "strict-meta": "ignored-meta",
  "loose-payload": "invalid-payload",
  "deep-requests": "request-limits",
  "any-origin": "refused-origin",
  "tells-everybody": "refused-origin",
  "answers-anybody": "forged-sender",
  "any-origin-registers": "register",
  "one-session": "register",
  "no-deadline": "deadline",
  "cancel-denied": "cancel",
  "no-token": "token-asked",
  "kept-token": "token-forgotten",
  "token-in-address": "token-in-no-address",
  "hidden-backend-error": "vectors/fetch-user-availability",
  "response-unchecked": "vectors/fetch-user-availability",
  "silent-end": "announced/session-expired",
};

test.describe("finds a widget's fault", () => {
  for (const [fault, rule] of Object.entries(WIDGET_FAULTS)) {
    test(`${fault}, by the rule ${rule} @once`, async ({ browser, kitOrigin, widgetWith }) => {
      // An announcement that never comes takes the kit's whole patience.
      test.slow();
      const report = await tryWidget(browser, widgetWith(fault), kitOrigin, rule);
      expect(brokenMustsIn(report)).toEqual([rule]);
    });
  }
});

/** Faults of the plain page, with the rule that finds each. */
const HOST_FAULTS = {
  "own-channel": "handshake",
  "more-methods": "one-method",
  "text-ids": "requests",
  "unknown-requests": "requests",
  "same-ids": "ids-differ",
  "other-origin": "register-origin",
  "no-echo": "token-settlement",
  "bad-token": "token-form",
  "token-in-address": "token-in-no-address",
  "fulfils-anything": "unknown-request",
  "throws-on-removal": "announcements",
  "known-statuses-alone": "later-widget",
  once: "reload",
  "any-document": "foreign-document",
  "answers-anybody": "forged-sender",
  "posts-to-anybody": "foreign-document",
  "believes-settlements": "garbled-settlements",
  hasty: "no-flood",
};

test.describe("finds a page's fault", () => {
  for (const [fault, rule] of Object.entries(HOST_FAULTS)) {
    test(`${fault}, by the rule ${rule} @once`, async ({ browser, hostWith }) => {
      const report = await tryHost(browser, hostWith(fault), EMBEDS, rule);
      expect(report.results.filter(({ outcome }) => outcome.result === "fail").map(({ id }) => id)).toEqual([rule]);
    });
  }
});

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function runProgram(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["dist/cli.js", "conformance", ...args], (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code) : 0, stdout, stderr });
    });
  });
}

test.describe("the program", () => {
  // Each run starts a browser.
  test.slow();

  test("exits with 0 for a widget that keeps every must, and prints a table @once", async ({
    kitOrigin,
    widgetWith,
  }) => {
    const only = ["--only", "one-method,unknown-event"];
    const { code, stdout, stderr } = await runProgram("--widget", widgetWith(), "--origin", kitOrigin, ...only);
    expect([code, stderr]).toEqual([0, expect.stringContaining("Trying the widget http://127.0.0.1:")]);
    expect(stdout).toMatch(/^PASS {2}must {4}handshake {6}/);
    expect(stdout).toContain("conforms: 3 of 3 must, 0 of 0 should, 0 skipped");
  });

  test("exits with 1 for a widget that breaks a must, and prints JSON @once", async ({ kitOrigin, widgetWith }) => {
    const only = ["--only", "echoed-id", "--json"];
    const { code, stdout } = await runProgram("--widget", widgetWith("no-echo"), "--origin", kitOrigin, ...only);
    expect(code).toBe(1);
    expect(JSON.parse(stdout)).toMatchObject({
      side: "widget",
      conforming: false,
      counts: { must: { pass: 1, fail: 1 } },
      rules: [{ id: "handshake" }, { id: "echoed-id", result: "fail", link: "docs/protocol.md#envelope" }],
    });
  });

  test("tries a page @once", async ({ hostWith }) => {
    const { code, stdout } = await runProgram("--host", hostWith(), "--only", "requests");
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^PASS {2}must {4}handshake/)]);
  });

  test("clicks what makes a page send a request @once", async ({ hostWith }) => {
    const args = ["--host", hostWith("waits"), "--only", "requests"];
    const before = await runProgram(...args);
    expect([before.code, before.stdout]).toEqual([0, expect.stringContaining("SKIP  must    requests")]);
    const { code, stdout } = await runProgram(...args, "--click", "button");
    expect([code, stdout]).toEqual([0, expect.stringContaining("PASS  must    requests")]);
  });

  test("tries a widget as a page of an origin that it does not own @once", async () => {
    const origin = "https://crm.example.com";
    const gateway = await startGatewayProcess({ GATEWAY_PORT: "0", ALLOWED_ORIGINS: origin }, () => {});
    const widget = ["--widget", `${gateway.origin}/widget/`];
    const { code, stdout } = await runProgram(...widget, "--origin", origin, "--only", "register,refused-origin");
    expect([code, stdout]).toEqual([0, expect.stringContaining("conforms: 3 of 3 must")]);
    await gateway.stop();
  });

  test("exits with 2 for a rule of the golden vectors that does not exist @once", async ({ widgetWith }) => {
    const { code, stderr } = await runProgram("--widget", widgetWith(), "--only", "vectors/fetch-user-availabilty");
    expect([code, stderr]).toEqual([2, expect.stringContaining("The nearest is vectors/fetch-user-availability: ")]);
  });

  test("says what to do if a widget's gateway does not allow the kit's page @once", async ({ kitOrigin }) => {
    const gateway = await startGatewayProcess(
      { GATEWAY_PORT: "0", ALLOWED_ORIGINS: "https://crm.example.com" },
      () => {},
    );
    const { code, stdout } = await runProgram("--widget", `${gateway.origin}/widget/`, "--origin", kitOrigin);
    expect(code).toBe(1);
    expect(stdout).toContain(
      `The widget does not allow the kit's page ${kitOrigin}: its frame-ancestors has https://crm`,
    );
    expect(stdout).toMatch(/^SKIP {2}\d\d more: There was no handshake\.$/m);
    await gateway.stop();
  });

  test("names --embeds and the iframes of a page that embeds another address @once", async ({ hostWith }) => {
    const address = new URL(hostWith());
    address.searchParams.set("widget", "http://127.0.0.1:9/other/?key=secret");
    const { code, stdout } = await runProgram("--host", address.href);
    const remedy = "and has iframes of http://127.0.0.1:9/other/. Name that of the widget by --embeds";
    expect([code, stdout]).toEqual([1, expect.stringContaining(remedy)]);
  });

  test("exits with 2 for a selector that matches nothing @once", async ({ hostWith }) => {
    const { code, stdout, stderr } = await runProgram("--host", hostWith(), "--click", "#call");
    expect([code, stdout]).toEqual([2, ""]);
    expect(stderr).toContain('--click: expected the selector of an element of the page, and "#call" matches none');
  });

  test("tells an invalid answer to HOST.FETCH_TOKEN from a page without a token @once", async ({ hostWith }) => {
    const only = ["--only", "token-form,token-in-no-address"];
    const { stdout } = await runProgram("--host", hostWith("bare-token"), ...only);
    expect(stdout.match(/answer to HOST\.FETCH_TOKEN is no valid settlement/g)).toHaveLength(2);
    expect(stdout).not.toContain("The page has no token.");
  });

  test("exits with 2 for a widget that cannot be reached @once", async ({ widgetWith }) => {
    const { code, stderr } = await runProgram("--widget", new URL("/nothing", widgetWith()).href);
    expect([code, stderr]).toEqual([2, expect.stringContaining("cannot be reached: it answers with status 404")]);
  });
});
