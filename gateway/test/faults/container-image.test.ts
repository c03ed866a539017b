import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { findFreePort } from "../../../scripts/testing/local-server.ts";
import { buildImage, type ContainerImage, canBuildImages } from "./container-image.ts";
import { startProcess } from "./running-process.ts";

/** Lists the files of the image's working directory by their paths in it. */
function listFiles({ root, configuration }: ContainerImage): readonly string[] {
  const directory = join(root, configuration.WorkingDir);
  const entries = readdirSync(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries) expect(statSync(join(entry.parentPath, entry.name)).mode & 0o222).toBe(0);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(directory.length + 1));
}

test.skipIf(!canBuildImages)("the image runs a gateway without root and without a file that it may write", async () => {
  const image = await buildImage();
  const { configuration } = image;
  expect(configuration).toMatchObject({ User: "1000:1000", StopSignal: "SIGTERM", ExposedPorts: { "4100/tcp": {} } });
  expect(configuration.Env).toEqual([
    expect.stringMatching(/^PATH=/),
    "NODE_ENV=production",
    "GATEWAY_HOST=0.0.0.0",
    "GATEWAY_PORT=4100",
    "GATEWAY_ADMIN_PORT=9101",
  ]);
  const files = listFiles(image);
  expect(files).toEqual(
    expect.arrayContaining(["package.json", "LICENSE", "dist/server.js", "dist/embed.js", "dist/widget/index.html"]),
  );
  expect(files.filter((name) => /\.map$|^dist\/docs\//.test(name))).toEqual([]);

  const ports = { GATEWAY_PORT: `${await findFreePort()}`, GATEWAY_ADMIN_PORT: `${await findFreePort()}` };
  const environment = {
    ...Object.fromEntries(configuration.Env.map((each) => each.split("=", 2))),
    ...ports,
    ALLOWED_ORIGINS: "https://crm.acme.example",
  };
  const [program, ...rest] = image.commandLine(configuration.Entrypoint);
  const gateway = startProcess({ program, arguments: rest, environment });
  const [kind, ...check] = configuration.Healthcheck.Test;
  expect(kind).toBe("CMD");
  const [checking, ...checkArguments] = image.commandLine(check);
  const isHealthy = () => spawnSync(checking, checkArguments, { env: environment }).status === 0;
  await expect.poll(isHealthy).toBe(true);
  expect((await fetch(`http://127.0.0.1:${ports.GATEWAY_PORT}/embed.js`)).status).toBe(200);
  // unshare, sh, chroot and sh have each become the next one.
  expect(readFileSync(`/proc/${gateway.pid}/status`, "utf8")).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m);
  expect(readlinkSync(`/proc/${gateway.pid}/cwd`)).toContain(configuration.WorkingDir);
  gateway.kill("SIGTERM");
  expect(await gateway.ended()).toEqual({ exitCode: 0, signal: null });
  expect(isHealthy()).toBe(false);
});
