import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";

function run(environment: Record<string, string>) {
  const child = spawn(process.execPath, ["scripts/demo/fake-upstream.mjs"], {
    env: { ...process.env, ...environment },
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  return child;
}

test("runs as a separate process until it is stopped", async () => {
  const child = run({ FAKE_UPSTREAM_PORT: "0", FAKE_UPSTREAM_CONTROL_PORT: "0", FAKE_UPSTREAM_USERS: "2" });
  const lines: string[] = [];
  for await (const line of createInterface({ input: child.stdout })) {
    lines.push(line);
    if (lines.length === 2) break;
  }
  const origins = lines.map((line) => / (http:\/\/127\.0\.0\.1:\d+)$/.exec(line)?.[1]);
  const answer = await fetch(`${origins[0]}/v1/users/availabilities`, {
    headers: { Authorization: `Basic ${Buffer.from("fake-id:fake-token").toString("base64")}` },
  });
  await expect(answer.json()).resolves.toMatchObject({ meta: { total: 2 } });
  expect((await fetch(`${origins[1]}/state`)).status).toBe(200);
  const ended = once(child, "exit");
  child.kill("SIGTERM");
  await expect(ended).resolves.toEqual([0, null]);
});

test("names the invalid setting", async () => {
  const child = run({ FAKE_UPSTREAM_USERS: "many" });
  let said = "";
  child.stderr.setEncoding("utf8");
  child.stderr.on("data", (text: string) => {
    said += text;
  });
  await expect(once(child, "close")).resolves.toEqual([1, null]);
  expect(said).toBe("FAKE_UPSTREAM_USERS: expected a whole number\n");
});
