/** Shell commands of docs/deploy.md, with folders of the test in place of those of the machine. */
import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";

const page = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");

/** Makes a folder with these programs, which stand for those of the machine. */
function setUp(programs: Readonly<Record<string, string>>) {
  const folder = mkdtempSync(join(tmpdir(), "deploy-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  mkdirSync(join(folder, "programs"));
  for (const [name, text] of Object.entries(programs)) {
    writeFileSync(join(folder, "programs", name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, "programs", name), 0o755);
  }
  /** Runs the script of the page that begins with this line. */
  function run(start: string) {
    const blocks = page.split("```sh\n").map((block) => block.split("```")[0] ?? "");
    const script = blocks.find((block) => block.startsWith(start)) ?? "";
    expect(script).not.toBe("");
    const env = { PATH: `${join(folder, "programs")}:${process.env["PATH"]}`, TMPDIR: folder };
    return spawnSync("sh", ["-c", script.replaceAll("/etc/availability-gateway", folder)], {
      encoding: "utf8",
      env,
      cwd: folder,
    });
  }
  return { folder, run };
}

test("gives commands both environment files, the customers' file, and each secret by the name that systemd gives it", () => {
  const { folder, run } = setUp({
    node: 'shift\necho "$@"\necho "$NODE_ENV $GATEWAY_PORT $REDIS_URL $LOG_LEVEL $GATEWAY_CONFIG"\ncat "$CREDENTIALS_DIRECTORY/secrets_acme"',
  });
  mkdirSync(join(folder, "secrets"));
  writeFileSync(join(folder, "secrets", "acme"), "s3cret\n");
  writeFileSync(join(folder, "environment"), "REDIS_URL='redis://redis.example?a=1&b=2'\nLOG_LEVEL=info\n");
  writeFileSync(join(folder, "environment.4100"), "LOG_LEVEL=warn\n");
  const { stdout, stderr } = run("gateway() (");
  expect(stderr).toBe("");
  const environment = `production 4100 redis://redis.example?a=1&b=2 warn ${folder}/gateway.config.json`;
  expect(stdout.split("\n").slice(0, 6)).toEqual([
    "--check",
    environment,
    "s3cret",
    "erase --customer acme --user 17",
    environment,
    "s3cret",
  ]);
  expect(readFileSync(join(folder, "acme.ndjson"), "utf8")).toContain("export --customer acme\n");
});

test("restarts one gateway after the other, and no further one if one is not ready", () => {
  const programs = { systemctl: 'echo "$@"', sleep: "", curl: "" };
  expect(setUp(programs).run("for port in").stdout.split("\n")).toEqual([
    "restart availability-gateway@4100",
    "restart availability-gateway@4110",
    "",
  ]);
  expect(
    setUp({ ...programs, curl: "exit 22" })
      .run("for port in")
      .stdout.split("\n"),
  ).toEqual([
    "restart availability-gateway@4100",
    "The gateway at 4100 is not ready: the other ones were left alone",
    "",
  ]);
});
