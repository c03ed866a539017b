/** Both packages in their users' form: packed, installed into empty folders, and used. */
import { execFileSync } from "node:child_process";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { bundle } from "../../scripts/bundle.mjs";
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { expect, test } from "../fixtures/fixtures.ts";

/** Largest size of the connector's package, unpacked, in bytes. */
const MAX_CONNECTOR_BYTES = 450_000;

interface PackedPackage {
  readonly filename: string;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
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
  const directory = await mkdtemp(path.join(tmpdir(), "packages-"));
  try {
    const connector = pack(".", directory);
    const gateway = pack("gateway", directory);
    expect(connector.unpackedSize).toBeLessThanOrEqual(MAX_CONNECTOR_BYTES);
    // The gateway's operator has no repository: the package contains the widget, the script, the license and the
    // documentation.
    const files = gateway.files.map((file) => file.path);
    expect(files).toEqual(
      expect.arrayContaining([
        "LICENSE",
        "README.md",
        "dist/docs/run-the-gateway.md",
        "dist/embed.js",
        "dist/server.js",
        "dist/widget/index.html",
      ]),
    );
    const pageFolder = path.join(directory, "page");
    const gatewayFolder = path.join(directory, "gateway");
    await install(path.join(directory, connector.filename), pageFolder);
    await install(path.join(directory, gateway.filename), gatewayFolder);
    // The gateway's program contains its libraries; the connector installs only the dependencies of its types and of
    // the connection.
    expect(await packagesIn(gatewayFolder)).toEqual(["availability-gateway"]);
    expect(await packagesIn(pageFolder)).toEqual(["availability-bridge", "penpal", "valibot"]);

    const running = await startGatewayProcess(
      { GATEWAY_PORT: "0", ALLOWED_ORIGINS: host.origin },
      () => {},
      path.join(gatewayFolder, "node_modules/availability-gateway/dist/server.js"),
    );
    try {
      const entry = path.join(pageFolder, "page.js");
      await writeFile(
        entry,
        'export { connect } from "availability-bridge";\nexport { contract } from "availability-bridge/contracts";',
      );
      const script = await bundle(entry);
      await page.goto(host.serve("<!doctype html><title>page</title>"));
      const status = await page.evaluate(
        async ({ code, src }) => {
          const module: typeof import("../../host/index.ts") = await import(
            `data:text/javascript,${encodeURIComponent(code)}`
          );
          const connection = module.connect({ src });
          const availability = await connection.request("API.FETCH_USER_AVAILABILITY", { variables: { userId: 123 } });
          connection.destroy();
          return availability.status;
        },
        { code: script, src: `${running.origin}/widget/` },
      );
      expect(status).toBe("available");
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
