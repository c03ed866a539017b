/** Pages of one release that ask a gateway of another: during an upgrade, and after the steps of `docs/deploy.md`. */
import { execFileSync } from "node:child_process";
import { chmodSync, cpSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { send } from "../proxy-client.ts";
import { canStart, type ProxyProcess } from "../proxy-process.ts";
import { hasRedisServer } from "../redis-server.ts";
import { startCluster } from "./cluster.ts";
import { makeTemporaryDirectory } from "./temporary-directory.ts";

const PACKAGE = fileURLToPath(new URL("../..", import.meta.url));

/** Name of the widget's code that a document loads later. */
const LIVE_PART = /live-[\w-]+\.js/;

/** Copies the present build into a package whose files have names of their own, as those of another release. */
function writeRelease(directory: string, name: string): void {
  cpSync(join(PACKAGE, "dist"), join(directory, "dist"), { recursive: true });
  cpSync(join(PACKAGE, "package.json"), join(directory, "package.json"));
  const assets = join(directory, "dist/widget/assets");
  const live = readdirSync(assets).find((file) => file.match(LIVE_PART)?.[0] === file) ?? "";
  renameSync(join(assets, live), join(assets, `live-${name}.js`));
  const document = join(directory, "dist/widget/index.html");
  writeFileSync(document, readFileSync(document, "utf8").replaceAll(live, `live-${name}.js`));
}

/** Runs the steps of the page that keep the files of the earlier release, with a new release in place of npm's. */
function upgrade(directory: string, release: string): void {
  const page = readFileSync(new URL("../../../docs/deploy.md", import.meta.url), "utf8");
  const [, steps = ""] = /```sh\n(mkdir -p earlier.*?)```/s.exec(page) ?? [];
  expect(steps).toContain("npm install availability-gateway@latest\n");
  const programs = join(directory, "programs");
  cpSync(release, join(programs, "release"), { recursive: true });
  writeFileSync(
    join(programs, "npm"),
    `#!/bin/sh\nrm -r node_modules/availability-gateway\ncp -r "${programs}/release" node_modules/availability-gateway\n`,
  );
  chmodSync(join(programs, "npm"), 0o755);
  execFileSync("sh", ["-e", "-c", steps], { cwd: directory, env: { PATH: `${programs}:${process.env["PATH"]}` } });
}

/** Returns the different statuses of the code of both releases, each asked for several times. */
async function statusesThrough(proxy: ProxyProcess): Promise<readonly unknown[]> {
  const statuses = new Set<unknown>();
  for (const name of ["Earlier1", "Later222"]) {
    for (let count = 0; count < 6; count += 1) {
      statuses.add((await send(proxy, `/c/acme/widget/assets/live-${name}.js`)).status);
    }
  }
  return [...statuses];
}

test.skipIf(!hasRedisServer || !canStart("nginx") || !canStart("caddy")).each(["nginx", "caddy"] as const)(
  "serves pages of both releases, during an upgrade and after it, behind %s",
  async (name) => {
    const directory = await makeTemporaryDirectory();
    const later = join(directory, "later");
    writeRelease(join(directory, "node_modules/availability-gateway"), "Earlier1");
    writeRelease(later, "Later222");
    const program = join(directory, "node_modules/availability-gateway/dist/server.js");
    const { gateways, proxy } = await startCluster({ proxy: name, program });
    const [first, second] = gateways;
    const documentOf = async ({ origin }: { readonly origin: string }) =>
      LIVE_PART.exec(await (await fetch(`${origin}/c/acme/widget/`)).text())?.[0];
    expect(await documentOf(first)).toBe("live-Earlier1.js");

    await first.terminate();
    await first.start({ program: join(later, "dist/server.js") });
    expect([await documentOf(first), await documentOf(second)]).toEqual(["live-Later222.js", "live-Earlier1.js"]);
    // The proxy asks the gateway that has the file, once it knows that the gateway is back.
    await expect.poll(() => statusesThrough(proxy)).toEqual([200]);

    upgrade(directory, later);
    for (const gateway of gateways) {
      await gateway.terminate();
      await gateway.start();
      expect(await documentOf(gateway)).toBe("live-Later222.js");
      const statusOf = (file: string) =>
        fetch(`${gateway.origin}/c/acme/widget/assets/${file}`).then(({ status }) => status);
      expect(await Promise.all(["live-Earlier1.js", "live-Later222.js"].map(statusOf))).toEqual([200, 200]);
    }
  },
);
