import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { findServer } from "../../scripts/testing/report-missing-servers.mjs";

const UNIT = fileURLToPath(new URL("availability-gateway@.service", import.meta.url));

/** Maximum exposure in tenths of a point of systemd's scale to 10, as in `docs/deploy.md`. */
const MAX_EXPOSURE_TENTHS = 15;

const analyze = findServer("systemd-analyze");

/** Writes the unit with this machine's Node as the executable. */
async function installUnit(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "unit-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const text = await readFile(UNIT, "utf8");
  const path = join(directory, "availability-gateway@4100.service");
  await writeFile(path, text.replace("/usr/bin/node", process.execPath));
  return path;
}

test.skipIf(!analyze)("is a unit without a complaint from systemd", async () => {
  const { status, stdout, stderr } = spawnSync(analyze ?? "", ["verify", await installUnit()], { encoding: "utf8" });
  expect([status, stdout + stderr]).toEqual([0, ""]);
});

test("uses the files that the steps of docs/deploy.md make", async () => {
  const page = await readFile(new URL("../../docs/deploy.md", import.meta.url), "utf8");
  const [, folder] = /cd (\S+) && npm install availability-gateway/.exec(page) ?? [];
  const [, settings] = /Make the folder `(\S+)`, and in it `secrets`/.exec(page) ?? [];
  const [, environment] = /settings into `(\S+)`/.exec(page) ?? [];
  const unit = await readFile(UNIT, "utf8");
  expect(unit).toContain(`ExecStart=/usr/bin/node ${folder}/node_modules/availability-gateway/dist/server.js\n`);
  expect(unit).toContain(`GATEWAY_CONFIG=${settings}/gateway.config.json\n`);
  expect(unit).toContain(`LoadCredential=secrets:${settings}/secrets\n`);
  expect(unit).toContain(`EnvironmentFile=${environment}\n`);
  expect(unit).toContain(`Documentation=file://${folder}/node_modules/availability-gateway/dist/docs/deploy.md\n`);
});

test("gives a gateway the time that it takes to stop, with every DRAIN_DELAY_SECONDS", async () => {
  const [, seconds] = /^TimeoutStopSec=(\d+)$/m.exec(await readFile(UNIT, "utf8")) ?? [];
  const [, most] =
    /DRAIN_DELAY_SECONDS.*up to (\d+)/.exec(
      await readFile(new URL("../../docs/run-the-gateway.md", import.meta.url), "utf8"),
    ) ?? [];
  expect(Number(seconds)).toBeGreaterThan(Number(most) + 10);
});

test.skipIf(!analyze)("limits how much the service can harm the machine", async () => {
  const unit = await installUnit();
  const { status, stdout } = spawnSync(
    analyze ?? "",
    ["security", "--offline=true", `--threshold=${MAX_EXPOSURE_TENTHS}`, unit],
    { encoding: "utf8" },
  );
  expect(stdout).toContain("Overall exposure level for availability-gateway@4100.service:");
  expect(status).toBe(0);
});
