// @ts-check
/**
 * `npm run test:salesforce`: uses the package and the script tag in the real sandbox of Salesforce, with and without the default
 * features, and prints the results. Needs a build. The sandbox is public on npm under separate terms, and is therefore no dependency:
 * a developer who runs the command accepts the terms.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { chromium } from "playwright";
import { bundle } from "../../scripts/bundle.mjs";
import { BROWSER_ARGUMENTS, findBrowsers } from "../../scripts/testing/browsers.mjs";
import { servePageWithGateway } from "../../scripts/testing/page-with-gateway.mjs";
import { useAsComponent, WORKS } from "./sandboxed-scenario.mjs";

const VERSION = "0.28.4";
/** Limit of each step in milliseconds, for a busy machine. */
const LIMIT_MS = 10_000;
const cache = fileURLToPath(new URL("../../node_modules/.cache/salesforce/", import.meta.url));

/** Code of the page. `runInSandbox` evaluates code in a new sandbox. */
const SANDBOX = `import { evaluateInSandbox } from "@locker/sandbox";
import { LWS_DEFAULT_GATER_FEATURES, registerGaterEnabledFeatures } from "@locker/shared";
globalThis.runInSandbox = (code, endowments, hasFeatures) => {
  if (hasFeatures) registerGaterEnabledFeatures(LWS_DEFAULT_GATER_FEATURES);
  evaluateInSandbox("acme", code, undefined, endowments);
};`;
const HTML = `<!doctype html><title>-</title><link rel="icon" href="data:,"><main><div id="component"></div></main>
<script>${readFileSync(await buildSandbox(), "utf8").replaceAll("</script", "<\\/script")}</script>`;

// Not by a route of the browser: Chromium takes a page without a server for a public one, which may not load a frame from this machine.
const { site, gateway, setStatus, close } = await servePageWithGateway((_request, response) =>
  response.setHeader("content-type", "text/html").end(HTML),
);
const [{ executablePath, environment }] = findBrowsers();
const browser = await chromium.launch({
  executablePath,
  args: BROWSER_ARGUMENTS,
  env: { ...process.env, ...environment },
});
try {
  const component = `${await bundle("dist/index.js", { format: "iife" })};
    (${useAsComponent.toString()})(bundled, "${gateway}/widget/", ${LIMIT_MS}, change).then(done, (error) => done(error.message));`;
  const hidden = `${await bundle("dist/index.js", { format: "iife" })};
    try { bundled.connect({ src: "${gateway}/widget/" }); done("works"); } catch (error) { done(error.message); }`;
  const tag = `window.availabilityBridge = [(connector) => connector.dispatch({
      type: "API.FETCH_USER_AVAILABILITY",
      payload: { variables: { userId: 123 } },
    }).then(({ type }) => done(type))];
    const script = document.createElement("script");
    script.dataset.container = "#component";
    script.src = "${gateway}/embed.js";
    document.head.append(script);`;
  const refusal =
    "container: expected, since this page refuses a hidden iframe: Lightning Web Security: Cannot append IFRAME to BODY.";
  for (const hasFeatures of [false, true]) {
    await compare("package, with a container", component, hasFeatures, WORKS);
    await compare("package, without a container", hidden, hasFeatures, refusal);
    await compare("script tag, with a container", tag, hasFeatures, "API.FETCH_USER_AVAILABILITY_FULFILLED");
  }
} finally {
  await browser.close();
  await close();
}

/** Installs the sandbox into the cache, bundles it once, and returns the bundle's path. */
async function buildSandbox() {
  const bundled = `${cache}sandbox-${VERSION}.js`;
  if (existsSync(bundled)) return bundled;
  mkdirSync(cache, { recursive: true });
  const dependencies = { "@locker/sandbox": VERSION, "@locker/shared": VERSION };
  writeFileSync(`${cache}package.json`, JSON.stringify({ private: true, dependencies }));
  execFileSync("npm", ["install", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: cache, stdio: "pipe" });
  writeFileSync(`${cache}entry.js`, SANDBOX);
  writeFileSync(bundled, await bundle(`${cache}entry.js`, { format: "iife" }));
  return bundled;
}

/**
 * Runs code in a new sandbox, and prints whether the value that the code passes to `done` is the expected value.
 *
 * @param {string} name
 * @param {string} code
 * @param {boolean} hasFeatures whether the sandbox has the features that the package of Salesforce names as its default
 * @param {unknown} expected
 */
async function compare(name, code, hasFeatures, expected) {
  const start = performance.now();
  const page = await browser.newPage();
  await page.exposeFunction("change", () => setStatus("out_for_lunch"));
  await setStatus("available");
  await page.goto(site);
  const outcome = page.evaluate(
    ([source, given]) =>
      new Promise((resolve) => {
        // By text, because what the page gets from the sandbox is a proxy.
        const done = (/** @type {unknown} */ value) => resolve(JSON.stringify(value));
        const change = () => void Reflect.get(window, "change")();
        Reflect.get(window, "runInSandbox")(source, { done, change }, given);
        setTimeout(resolve, 60_000, '"nothing"');
      }),
    /** @type {const} */ ([code, hasFeatures]),
  );
  const seen = JSON.parse(String(await outcome.catch((error) => JSON.stringify(String(error)))));
  const works = isDeepStrictEqual(seen, expected);
  const seconds = ((performance.now() - start) / 1_000).toFixed(1);
  const features = hasFeatures ? "default features" : "no features";
  console.log(`@locker/sandbox ${VERSION}, ${features}, ${name}: ${works ? "works" : "fails"}, ${seconds} s`);
  if (!works) {
    console.error(seen);
    process.exitCode = 1;
  }
  await page.close();
}
