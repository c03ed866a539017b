import { readFileSync } from "node:fs";
import * as v from "valibot";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { VARIABLES } from "../settings/settings.ts";

const readText = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");

const Environment = v.record(v.string(), v.string());
const Service = v.looseObject({ image: v.string(), volumes: v.array(v.string()), networks: v.array(v.string()) });
const Gateway = v.looseObject({
  ...Service.entries,
  environment: Environment,
  stop_grace_period: v.pipe(v.string(), v.regex(/^\d+s$/)),
  read_only: v.literal(true),
  cap_drop: v.tuple([v.literal("ALL")]),
  mem_limit: v.string(),
  depends_on: v.object({ redis: v.object({ condition: v.literal("service_healthy") }) }),
});

const Compose = v.looseObject({
  services: v.strictObject({
    "gateway-1": Gateway,
    "gateway-2": Gateway,
    redis: v.looseObject({ ...Service.entries, command: v.array(v.string()), healthcheck: v.looseObject({}) }),
    caddy: v.looseObject({ ...Service.entries, environment: Environment, ports: v.array(v.string()) }),
  }),
  networks: v.record(v.string(), v.unknown()),
  volumes: v.record(v.string(), v.unknown()),
});

const { services, networks, volumes } = v.parse(Compose, parse(readText("compose.yaml"), { merge: true }));
const gateways = [services["gateway-1"], services["gateway-2"]];
const image = readText("Containerfile");

test("has two gateways with settings that the gateway has", () => {
  const known = VARIABLES.map(({ name }) => name);
  for (const { environment } of gateways) {
    for (const name of Object.keys(environment)) expect(known).toContain(name);
    expect(environment["REDIS_URL"]).toBe("redis://redis:6379");
  }
});

test("gives a gateway the time that it takes to stop, of which Caddy learns first", () => {
  const [, intervalSeconds] = /health_interval (\d+)s/.exec(readText("Caddyfile")) ?? [];
  for (const { environment, stop_grace_period: grace } of gateways) {
    const drainDelaySeconds = Number(environment["DRAIN_DELAY_SECONDS"]);
    expect(drainDelaySeconds).toBeGreaterThanOrEqual(2 * Number(intervalSeconds));
    expect(Number.parseInt(grace, 10)).toBeGreaterThan(drainDelaySeconds + 10);
  }
});

test("gives the Caddyfile the addresses of both gateways, at the image's port", () => {
  const caddyfile = readText("Caddyfile");
  const [, port] = /\bGATEWAY_PORT=(\d+)/.exec(image) ?? [];
  const { DOMAIN, ...addresses } = services.caddy.environment;
  expect(DOMAIN).toBe("widget.example.com");
  expect(addresses).toEqual({ GATEWAY_1: `gateway-1:${port}`, GATEWAY_2: `gateway-2:${port}` });
  for (const name of Object.keys(services.caddy.environment)) expect(caddyfile).toContain(`{$${name}:`);
});

test("shows only Caddy's ports to the outside, and mounts only volumes and files that the page names", () => {
  for (const service of [...gateways, services.redis]) expect(service).not.toHaveProperty("ports");
  expect(services.caddy.ports).toEqual(["80:80", "443:443", "443:443/udp"]);
  const page = readFileSync(new URL("../../docs/deploy.md", import.meta.url), "utf8");
  for (const service of Object.values(services)) {
    for (const network of service.networks) expect(Object.keys(networks)).toContain(network);
    for (const volume of service.volumes) {
      const [source = ""] = volume.split(":");
      if (source.startsWith("./")) expect(page).toContain(`\`${source.slice(2)}\``);
      else expect(Object.keys(volumes)).toContain(source);
    }
  }
});

test("has Redis as docs/redis.md asks for it", () => {
  const command = services.redis.command.join(" ");
  expect(command).toContain("--appendonly yes");
  expect(command).toContain("--maxmemory-policy noeviction");
});

test("pins each image to a version, but the one that the operator builds", () => {
  const [, node] = /^ARG NODE_IMAGE=(\S+)$/m.exec(image) ?? [];
  const images = [node, services.redis.image, services.caddy.image];
  for (const each of images) expect(each).toMatch(/^docker\.io\/library\/[a-z]+:\d+\.\d+\.\d+(-[a-z-]+)?$/);
});
