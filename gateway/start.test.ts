import { expect, onTestFinished, test } from "vitest";
import { hasRedisServer, startRedisServer } from "../e2e/redis-server.ts";
import { NotBuiltError } from "./built-files.ts";
import { SettingsError } from "./settings.ts";
import { startGateway } from "./start.ts";
import { TEST_BUILD, writeBuild } from "./test-build.ts";

async function start(environment: Readonly<Record<string, string>>, build: Readonly<Record<string, string>>) {
  const { directory, remove } = await writeBuild(build);
  onTestFinished(remove);
  const lines: string[] = [];
  const gateway = await startGateway({
    environment,
    buildDirectory: directory,
    print: (line) => void lines.push(line),
    onDefect: (error) => {
      throw error;
    },
  });
  onTestFinished(gateway.close);
  return { ...gateway, lines };
}

test("says where it listens, and that it serves sample agents", async () => {
  const { origin, lines } = await start({ GATEWAY_PORT: "0" }, TEST_BUILD);
  expect(lines).toEqual([
    `Gateway listening on ${origin}`,
    "Serving sample agents from memory, since no upstream is configured",
  ]);
  const answers = ["/v1/users/101/availability", "/widget/", "/embed.js"].map((path) => fetch(origin + path));
  expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200]);
});

test("starts neither with bad settings nor without a build", async () => {
  await expect(start({ GATEWAY_PORT: "abc" }, TEST_BUILD)).rejects.toThrow(SettingsError);
  await expect(start({ GATEWAY_PORT: "0" }, { "embed.js": "" })).rejects.toThrow(NotBuiltError);
});

test.skipIf(!hasRedisServer)("says that the availabilities are in Redis, without its password", async () => {
  const redis = await startRedisServer(["--requirepass", "s3cret"]);
  onTestFinished(redis.remove);
  const url = redis.url.replace("//", "//default:s3cret@");
  const { origin, lines } = await start({ GATEWAY_PORT: "0", REDIS_URL: `${url}/1` }, TEST_BUILD);
  expect(lines).toEqual([
    `Gateway listening on ${origin}`,
    `Keeping the availabilities in Redis at ${redis.url}/1`,
    "Serving sample agents, since no upstream is configured",
  ]);
  expect((await fetch(`${origin}/v1/users/101/availability`)).status).toBe(200);
});

test.skipIf(!hasRedisServer)(
  "starts without Redis, answers with a problem, and serves once Redis is there",
  async () => {
    const redis = await startRedisServer();
    onTestFinished(redis.remove);
    await redis.kill();
    const { origin, lines } = await start({ GATEWAY_PORT: "0", REDIS_URL: redis.url }, TEST_BUILD);
    const address = `${origin}/v1/users/101/availability`;
    const answer = await fetch(address);
    expect([answer.status, answer.headers.get("content-type")]).toEqual([503, "application/problem+json"]);
    expect(answer.headers.get("retry-after")).toMatch(/^\d+$/);
    expect((await fetch(`${origin}/widget/`)).status).toBe(200);
    await redis.start();
    await expect.poll(async () => (await fetch(address)).status, { timeout: 20_000 }).toBe(200);
    expect(lines).toContain("Redis is back");
  },
);
