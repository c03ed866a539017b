import { expect, onTestFinished, test } from "vitest";
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
