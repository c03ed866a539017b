/** Both packages in their users' form: packed, installed into empty folders, and used. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { bundle } from "../../scripts/bundle.mjs";
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { expect, test } from "../fixtures/fixtures.ts";

/**
 * Largest size of the code in the connector's package, unpacked, in bytes, with declarations for `import` and for `require`. Of these the badge's
 * looks are 60,000: two formats of them and of eight languages, the three files of the script tag, and `custom-elements.json`. penpal is
 * 16,000, in place of a package of 459,000. Sources of the declarations are 135,000, and their maps 88,000: an editor leads from a name to its source.
 * The words of hovers are 20,000. The test kit is 210,000: the widget in two formats, and in the page that Playwright serves. The entries for React
 * and Vue are 46,000, and the doctor's, with its file of the script tag, 79,000. The declarations of the settable statuses are a file of 1,000. The place
 * of badges away from the screen is 1,000.
 */
const MAX_CODE_BYTES = 1_275_000;

/**
 * Largest size of the program and of its data, in bytes: 110,000 for the doctor with what it runs in a page, 150,000 for the conformance kit with the
 * contract and its schemas, 217,000 for the golden vectors, 90,000 for the AsyncAPI document. No page loads them.
 */
const MAX_TOOLS_BYTES = 690_000;

const TOOLS = ["dist/cli.js", "dist/vectors.json", "dist/contract.asyncapi.json"];

/**
 * Largest size of the pages of documentation in it, in bytes. The badge's variants, colours, languages and parts are 5,000, types 3,000, tests 9,000, the inspector 4,700,
 * the doctor's page 10,000, the conformance kit's with its rules 14,000, the pages about frameworks 18,000, and the changelog 57,000.
 */
const MAX_PAGES_BYTES = 295_000;

interface PackedFile {
  readonly path: string;
  readonly size: number;
}

interface PackedPackage {
  readonly filename: string;
  readonly files: readonly PackedFile[];
}

/** Packs a package of the repository into a directory, as `npm publish` would. */
function pack(folder: string, directory: string): PackedPackage {
  const output = execFileSync("npm", ["pack", "--json", "--pack-destination", directory], {
    cwd: folder,
    encoding: "utf8",
  });
  const [packed]: readonly PackedPackage[] = JSON.parse(output);
  if (!packed) throw new Error(`npm pack in ${folder} has packed nothing`);
  return packed;
}

function sizeOf(files: readonly PackedFile[]): number {
  return files.reduce((bytes, { size }) => bytes + size, 0);
}

/** Installs a packed package into an empty folder. Its dependencies come from npm's cache if present. */
async function install(tarball: string, folder: string): Promise<void> {
  await mkdir(folder);
  await writeFile(path.join(folder, "package.json"), '{ "private": true, "type": "module" }');
  const options = ["--prefer-offline", "--no-audit", "--no-fund", "--ignore-scripts"];
  execFileSync("npm", ["install", ...options, tarball], { cwd: folder, stdio: "pipe" });
}

test("both packages, packed and installed into empty folders, settle a request of a page @once", async ({
  page,
  host,
}) => {
  // npm packs and installs twice, which a busy machine takes half a minute for.
  test.setTimeout(120_000);
  const directory = await mkdtemp(path.join(tmpdir(), "packages-"));
  try {
    const connector = pack(".", directory);
    const gateway = pack("gateway", directory);
    const isPage = ({ path: name }: PackedFile): boolean => name.endsWith(".md");
    const isTool = ({ path: name }: PackedFile): boolean => TOOLS.includes(name);
    const isCode = (file: PackedFile): boolean => !isPage(file) && !isTool(file);
    expect(sizeOf(connector.files.filter(isCode))).toBeLessThanOrEqual(MAX_CODE_BYTES);
    expect(sizeOf(connector.files.filter(isTool))).toBeLessThanOrEqual(MAX_TOOLS_BYTES);
    expect(sizeOf(connector.files.filter(isPage))).toBeLessThanOrEqual(MAX_PAGES_BYTES);
    // The gateway's operator has no repository: the package contains the widget, the script, the license and the
    // documentation.
    const files = gateway.files.map((file) => file.path);
    expect(files).toEqual(
      expect.arrayContaining([
        "LICENSE",
        "README.md",
        ".dockerignore",
        "deploy/Containerfile",
        "deploy/availability-gateway@.service",
        "deploy/kubernetes/deployment.yaml",
        "dist/docs/deploy.md",
        "dist/docs/run-the-gateway.md",
        "dist/embed.js",
        "dist/licenses.txt",
        "dist/widget/licenses.txt",
        expect.stringMatching(/^dist\/embed-badge-[0-9a-f]{8}\.js$/),
        expect.stringMatching(/^dist\/embed-doctor-[0-9a-f]{8}\.js$/),
        expect.stringMatching(/^dist\/embed-extras-[0-9a-f]{8}\.js$/),
        "dist/server.js",
        "dist/widget/index.html",
      ]),
    );
    const pageFolder = path.join(directory, "page");
    const gatewayFolder = path.join(directory, "gateway");
    await install(path.join(directory, connector.filename), pageFolder);
    await install(path.join(directory, gateway.filename), gatewayFolder);
    // The gateway's program and the connector contain their libraries; the connector installs only the dependency of its types.
    expect(await packagesIn(gatewayFolder)).toEqual(["availability-gateway"]);
    expect(await packagesIn(pageFolder)).toEqual(["availability-bridge", "valibot"]);

    // What contains a library carries its license.
    const modules = path.join(pageFolder, "node_modules/availability-bridge/dist");
    expect(await readFile(path.join(modules, "licenses.txt"), "utf8")).toContain("## penpal - 7.");
    const program = path.join(gatewayFolder, "node_modules/availability-gateway/dist");
    expect(await readFile(path.join(program, "licenses.txt"), "utf8")).toContain("## hono - 4.");
    expect(await readFile(path.join(program, "widget/licenses.txt"), "utf8")).toContain("## penpal - 7.");

    const running = await startGatewayProcess(
      { GATEWAY_PORT: "0", ALLOWED_ORIGINS: host.origin },
      () => {},
      path.join(program, "server.js"),
    );
    try {
      const entry = path.join(pageFolder, "page.js");
      await writeFile(
        entry,
        'export { connect } from "availability-bridge";\nexport { defineAvailabilityBadge } from "availability-bridge/badge";\nexport { contract } from "availability-bridge/contracts";',
      );
      const script = await bundle(entry);
      await page.goto(host.serve("<!doctype html><title>page</title>"));
      const shown = await page.evaluate(
        async ({ code, src }) => {
          const module: typeof import("../../host/index.ts") = await import(
            `data:text/javascript,${encodeURIComponent(code)}`
          );
          const connection = module.connect({ src });
          module.defineAvailabilityBadge(connection);
          const badge = document.createElement("availability-badge");
          badge.setAttribute("user-id", "123");
          document.body.append(badge);
          await new Promise((resolve) =>
            new MutationObserver(resolve).observe(badge, { attributeFilter: ["data-callable"] }),
          );
          const availability = await connection.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } });
          const text = badge.shadowRoot?.textContent;
          connection.destroy();
          return [availability.status, text];
        },
        { code: script, src: `${running.origin}/widget/` },
      );
      expect(shown).toEqual(["available", "Available"]);
    } finally {
      await running.stop();
    }
  } finally {
    await rm(directory, { recursive: true });
  }
});

test("both packages have one version @once", async () => {
  const versionOf = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, "utf8")).version;
  expect(await versionOf("gateway/package.json")).toBe(await versionOf("package.json"));
});

/** Names of the packages in an installation. */
async function packagesIn(folder: string): Promise<readonly string[]> {
  const names = await readdir(path.join(folder, "node_modules"));
  return names.filter((name) => !name.startsWith(".")).sort();
}
