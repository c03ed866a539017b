/** Pages that are no websites: those of a browser extension, and files. */
import { createHash, generateKeyPairSync } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import type { BrowserContext } from "@playwright/test";
import { build } from "vite";
import { type LiveGateway, startLiveGateway } from "../../gateway/test/live-gateway.ts";
import type { defineAvailabilityBadge } from "../../host/index.ts";
import { connectorPage, expect, test as fixtures } from "../fixtures/fixtures.ts";

/** The pages of an extension: of its button, of the browser's side panel and of its options. */
const EXTENSION_PAGES = ["popup.html", "side-panel.html", "options.html"] as const;

/** An unpacked extension. */
interface Extension {
  readonly directory: string;
  /** `chrome-extension://` with the id that follows from the manifest's key. */
  readonly origin: string;
}

declare global {
  interface Window {
    /** Statuses of agent 123 that the page has received. */
    heardStatuses: string[];
    /** Of the built package, on a page of the extension. */
    defineAvailabilityBadge: typeof defineAvailabilityBadge;
  }
}

const test = fixtures.extend<{
  readonly directory: string;
  readonly extension: Extension;
  readonly shell: BrowserContext;
}>({
  directory: async ({ browserName }, use) => {
    const directory = await mkdtemp(path.join(tmpdir(), `${browserName}-shell-`));
    await use(directory);
    await rm(directory, { recursive: true, force: true });
  },
  extension: async ({ directory }, use) => {
    await use(await writeExtension(path.join(directory, "extension")));
  },
  shell: async ({ playwright, launchOptions, directory, extension }, use, testInfo) => {
    // The build of the npm package is Chromium's headless shell, which has no extensions.
    test.skip(testInfo.project.name === "chromium-bundled", "This Chromium cannot load extensions");
    const context = await playwright.chromium.launchPersistentContext(path.join(directory, "profile"), {
      ...launchOptions,
      ignoreDefaultArgs: ["--disable-extensions"],
      args: [
        ...(launchOptions.args ?? []),
        `--disable-extensions-except=${extension.directory}`,
        `--load-extension=${extension.directory}`,
      ],
    });
    await use(context);
    await context.close();
  },
});

/** Builds an extension as a developer would: with the package in its own script, since its CSP allows no other. */
async function writeExtension(directory: string): Promise<Extension> {
  const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = publicKey.export({ type: "spki", format: "der" });
  // Chromium writes the first half of the key's hash with the letters a to p.
  const digest = createHash("sha256").update(key).digest("hex").slice(0, 32);
  const id = digest.replaceAll(/[\da-f]/g, (digit) => String.fromCharCode(97 + Number.parseInt(digit, 16)));
  const manifest = {
    manifest_version: 3,
    name: "Agents",
    version: "1",
    key: key.toString("base64"),
    permissions: ["sidePanel"],
    options_page: "options.html",
    action: { default_popup: "popup.html" },
    side_panel: { default_path: "side-panel.html" },
  };
  const entry = path.join(directory, "entry.js");
  await mkdir(directory);
  await writeFile(path.join(directory, "manifest.json"), JSON.stringify(manifest));
  const html = connectorPage('<availability-badge user-id="123"></availability-badge>');
  for (const page of EXTENSION_PAGES) {
    await writeFile(
      path.join(directory, page),
      html.replace(/<script.*<\/script>/, '<script type="module" src="page.js"></script>'),
    );
  }
  await writeFile(
    entry,
    `import { connect, defineAvailabilityBadge } from ${JSON.stringify(path.resolve("dist/index.js"))};
    Object.assign(window, { connect, defineAvailabilityBadge });`,
  );
  await build({
    configFile: false,
    logLevel: "silent",
    build: {
      outDir: directory,
      emptyOutDir: false,
      lib: { entry, formats: ["es"], fileName: () => "page.js" },
    },
  });
  return { directory, origin: `chrome-extension://${id}` };
}

/** Starts a gateway that allows the origins, and whose agent 123 is available. */
async function startGatewayFor(...allowedOrigins: string[]): Promise<LiveGateway> {
  const live = await startLiveGateway({ allowedOrigins });
  await live.agents.set(123, { status: "available" });
  return live;
}

for (const name of EXTENSION_PAGES) {
  test(`a page of an unpacked extension with an allowed origin watches an agent and shows a badge, through a change: ${name} @chromium`, async ({
    shell,
    extension,
  }) => {
    const live = await startGatewayFor("https://crm.example.com", extension.origin);
    const page = await shell.newPage();
    await page.goto(`${extension.origin}/${name}`);
    await page.evaluate((src) => {
      window.heardStatuses = [];
      window.connector = window.connect({ src });
      window.connector.watch(123, ({ status }) => window.heardStatuses.push(status));
      window.defineAvailabilityBadge(window.connector);
    }, `${live.origin}/widget/`);
    await expect.poll(() => page.evaluate(() => window.heardStatuses)).toEqual(["available"]);
    await expect.poll(live.openStreams).toBe(1);
    await live.agents.set(123, { status: "in_call" });
    await expect.poll(() => page.evaluate(() => window.heardStatuses)).toEqual(["available", "in_call"]);
    await expect(page.locator("availability-badge")).toHaveAttribute("data-state", "in_call");
    await live.close();
  });
}

test("a page of an extension that is not allowed reads in the error which origin the vendor has to allow @chromium", async ({
  shell,
  extension,
}) => {
  const live = await startGatewayFor("chrome-extension://jkeeabcdefghijklmnopabcdefghijkl");
  const page = await shell.newPage();
  await page.goto(`${extension.origin}/options.html`);
  const settlement = await page.evaluate((src) => {
    const event = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } } as const;
    return window.connect({ src, retryDelayMs: 60_000 }).dispatch(event, { timeoutMs: 1_500 });
  }, `${live.origin}/widget/`);
  expect(JSON.stringify(settlement)).toContain(`the vendor allows ${extension.origin}`);
  expect(live.calls).toEqual([]);
  await live.close();
});

test("a page of a file reads in the error that its origin cannot be allowed, and what it needs @chromium", async ({
  page,
  directory,
}) => {
  const live = await startGatewayFor("https://crm.example.com");
  const file = path.join(directory, "crm.html");
  await writeFile(file, `<!doctype html><title>File</title><script src="${live.origin}/embed.js"></script>`);
  await page.goto(pathToFileURL(file).href);
  const settlement = await page.evaluate(
    () =>
      new Promise((resolve) => {
        const event = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } } as const;
        (window.availabilityBridge ??= []).push((connector) =>
          resolve(connector.dispatch(event, { timeoutMs: 1_500 })),
        );
      }),
  );
  expect(JSON.stringify(settlement)).toContain(
    "the vendor allows null: files and sandboxes need a scheme or site of their own",
  );
  await live.close();
});
