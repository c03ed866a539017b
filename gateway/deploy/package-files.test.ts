import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as v from "valibot";
import { expect, test } from "vitest";

const GATEWAY = fileURLToPath(new URL("..", import.meta.url));

const readText = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");

const { files } = v.parse(v.object({ files: v.array(v.string()) }), JSON.parse(readText("../package.json")));

test("the package has every file of this folder but the tests, and names no other", () => {
  const names = readdirSync(new URL(".", import.meta.url)).filter((name) => !name.endsWith(".test.ts"));
  const packed = files.filter((name) => name.startsWith("deploy/")).map((name) => name.split("/")[1] ?? "");
  expect([...new Set(packed)].sort()).toEqual(names.sort());
  for (const name of files) if (name !== "dist") expect(existsSync(`${GATEWAY}/${name}`)).toBe(true);
});

test("docs/deploy.md has a link to every file that the package has for it", () => {
  const page = readText("../../docs/deploy.md");
  for (const name of [
    "Caddyfile",
    "Containerfile",
    "availability-gateway@.service",
    "compose.yaml",
    "kubernetes",
    "nginx.conf",
  ]) {
    expect(page).toContain(`](../gateway/deploy/${name})`);
  }
});

test("the image copies what the package has, and the builder sees that alone", () => {
  const copied = Array.from(readText("Containerfile").matchAll(/^COPY (?!--from)(.+) \S+$/gm), ([, names = ""]) =>
    names.split(" "),
  ).flat();
  expect(copied).toEqual(["package.json", "LICENSE", "dist"]);
  // npm packs these two by itself.
  const packed = [...files, "package.json", "LICENSE"];
  for (const name of copied) expect(packed).toContain(name);
  const seen = readText("../.dockerignore").match(/(?<=^!).+$/gm);
  expect(seen?.sort()).toEqual([...copied].sort());
});

test("the image has no secret: no variable but the gateway's own, and no argument but the base image", () => {
  const text = readText("Containerfile");
  expect(text.match(/^ARG \w+/gm)).toEqual(["ARG NODE_IMAGE"]);
  expect(text.match(/(?<=^ENV |^ {4})\w+(?==)/gm)).toEqual([
    "NODE_ENV",
    "GATEWAY_HOST",
    "GATEWAY_PORT",
    "GATEWAY_ADMIN_PORT",
  ]);
});
