/** A component of Salesforce, whose scripts run in the sandbox of Lightning Web Security. */
import type { Page } from "@playwright/test";
import { bundle } from "../../scripts/bundle.mjs";
import { ASK_123, expect, FULFILLED } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { test } from "../fixtures/live-page.ts";
import { useAsComponent, WORKS } from "../platforms/sandboxed-scenario.mjs";

declare global {
  interface Window {
    /** The sandbox, bundled into the page. */
    bundled: typeof import("../platforms/lightning-membrane.ts");
  }
}

/** Limit of each step, for a busy machine. */
const LIMIT_MS = 20_000;

/** Serves Salesforce's page, with a component and the sandbox. */
async function servePage(host: HostSite): Promise<string> {
  const sandbox = host.serve(await bundle("e2e/platforms/lightning-membrane.ts", { format: "iife" }), {
    "content-type": "text/javascript",
  });
  return host.serve(
    `<!doctype html><title>-</title><link rel="icon" href="data:,"><main><div id="component"></div></main><script src="${sandbox}"></script>`,
  );
}

/**
 * Runs code in the sandbox, and returns the value that the code passes to `done`.
 *
 * @param change Called when the code calls `change`.
 * @param tag Attributes of the script element whose code it is.
 */
async function runInSandbox(
  page: Page,
  code: string,
  { change = () => {}, tag = {} }: { change?: () => void; tag?: Record<string, string> } = {},
): Promise<unknown> {
  await page.exposeFunction("change", change);
  const told = await page.evaluate(
    ([source, attributes]) =>
      new Promise<string>((resolve) => {
        const script = document.createElement("script");
        for (const [name, value] of Object.entries(attributes)) script.setAttribute(name, value);
        // By text, because what the page gets from the sandbox is a proxy.
        const done = (value: unknown): void => resolve(JSON.stringify(value));
        window.bundled.runInSandbox(source, { done, change: () => void Reflect.get(window, "change")() }, script);
      }),
    [code, tag] as const,
  );
  return JSON.parse(told);
}

/** The package as a component's developer bundles it into a static resource. Its exports are properties of `bundled`. */
const bundlePackage = () => bundle("dist/index.js", { format: "iife" });

test("in the sandbox of Salesforce a component's requests, watch and badge work, also after it was removed, put back and reloaded", async ({
  page,
  host,
  live,
}) => {
  await live.agents.set(123, { status: "available" });
  await page.goto(await servePage(host));
  const code = `${await bundlePackage()};
    (${useAsComponent.toString()})(bundled, "${live.origin}/widget/", ${LIMIT_MS}, change).then(done, (error) => done(error.message));`;
  const steps = await runInSandbox(page, code, {
    change: () => void live.agents.set(123, { status: "out_for_lunch" }),
  });
  expect(steps).toEqual(WORKS);
});

test("in the sandbox of Salesforce connect without a container says that the page expects one, and leaves nothing behind", async ({
  page,
  host,
  backend,
}) => {
  await page.goto(await servePage(host));
  const code = `${await bundlePackage()};
    try { bundled.connect({ src: "${backend.origin}/widget/" }); done("no error"); } catch (error) { done(error.name + ": " + error.message); }`;
  expect(await runInSandbox(page, code)).toBe(
    "TypeError: container: expected, since this page refuses a hidden iframe: Lightning Web Security: Cannot append IFRAME to BODY.",
  );
  expect(await page.evaluate((origin) => document.documentElement.innerHTML.includes(origin), backend.origin)).toBe(
    false,
  );
});

test("in the sandbox of Salesforce the script tag with a container connects, also if the container comes later", async ({
  page,
  host,
  backend,
}) => {
  await page.goto(await servePage(host));
  const script = await (await page.request.get(`${backend.origin}/embed.js`)).text();
  const code = `window.availabilityBridge = [(connector) => connector.dispatch(${JSON.stringify(ASK_123)}).then(done)];
    // A script that a component loads has a location only as a property of its window.
    (function run(location) { ${script}; })();
    const late = document.createElement("div");
    late.id = "late";
    document.querySelector("#component").append(late);`;
  const tag = { src: `${backend.origin}/embed.js`, "data-container": "#late" };
  expect(await runInSandbox(page, code, { tag })).toEqual(FULFILLED);
});

test("control: the sandbox refuses what Salesforce's does", async ({ page, host }) => {
  await page.goto(await servePage(host));
  const attempts = {
    append: "document.body.append(document.createElement('iframe'))",
    appendChild: "document.body.appendChild(document.createElement('div'))",
    insertBefore: "document.body.insertBefore(document.createElement('div'), null)",
    "observe body": "new MutationObserver(() => {}).observe(document.body, { childList: true })",
    "observe html": "new MutationObserver(() => {}).observe(document.documentElement, { childList: true })",
    "sandbox attribute": "document.createElement('iframe').setAttribute('sandbox', 'allow-scripts allow-same-origin')",
    "sandbox property": "document.createElement('iframe').sandbox = 'allow-scripts allow-same-origin'",
    "removed sandbox": "document.createElement('iframe').removeAttribute('sandbox')",
    nonce: "document.querySelector('script').nonce",
    securitypolicyviolation: "document.addEventListener('securitypolicyviolation', () => {})",
    unhandledrejection: "addEventListener('unhandledrejection', () => {})",
    "observe document": "new MutationObserver(() => {}).observe(document, { childList: true })",
    "append to a component": "document.querySelector('#component').append(document.createElement('iframe'))",
  };
  const code = `const outcomes = {};
    for (const [name, attempt] of Object.entries(${JSON.stringify(attempts)})) {
      try { (0, eval)(attempt); outcomes[name] = "allowed"; } catch (error) { outcomes[name] = error.message; }
    }
    done(outcomes);`;
  const refused = expect.stringMatching(/^Lightning Web Security: Cannot |^Lightning Web Security: HTMLIFrameElement/);
  expect(await runInSandbox(page, code)).toEqual({
    ...Object.fromEntries(Object.keys(attempts).map((name) => [name, refused])),
    "observe document": "allowed",
    "append to a component": "allowed",
  });
});
