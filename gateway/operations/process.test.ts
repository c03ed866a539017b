/** Tests of the built server as a process: arguments, signals, exit codes, and a standard output that cannot be written. */
import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { openSync, readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { get, type IncomingMessage } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { SignJWT } from "jose";
import { expect, onTestFinished, test, vi } from "vitest";
import { findFreePort } from "../../scripts/testing/local-server.ts";

const SERVER = fileURLToPath(new URL("../dist/server.js", import.meta.url));

const CONFIG = JSON.stringify({
  customers: [
    {
      id: "acme",
      allowedOrigins: ["https://crm.acme.example"],
      tokens: { algorithm: "HS256", issuer: "acme", audience: "gateway", secret: `\${ACME_SECRET}` },
    },
  ],
});

type Ending = number | NodeJS.Signals | null;

interface Started {
  readonly origin: string;
  readonly lines: readonly string[];
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the exit code, or with the signal that ended the process. */
  readonly ended: Promise<Ending>;
}

async function startServer(environment: Readonly<Record<string, string>> = {}, stdout?: string): Promise<Started> {
  const port = await findFreePort();
  const origin = `http://127.0.0.1:${port}`;
  const child = spawn(process.execPath, [SERVER], {
    env: { PATH: process.env["PATH"], GATEWAY_PORT: `${port}`, ...environment },
    stdio: ["ignore", stdout ? openSync(stdout, "w") : "pipe", "inherit"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const lines: string[] = [];
  if (child.stdout) createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
  const ended = new Promise<Ending>((resolve) => child.on("exit", (code, signal) => resolve(code ?? signal)));
  await vi.waitFor(async () => expect((await fetch(`${origin}/healthz`)).ok).toBe(true), { timeout: 10_000 });
  return { origin, lines, kill: (signal) => void child.kill(signal), ended };
}

async function configured(): Promise<Readonly<Record<string, string>>> {
  const directory = await mkdtemp(join(tmpdir(), "gateway-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "gateway.config.json");
  await writeFile(path, CONFIG);
  return { GATEWAY_CONFIG: path, ACME_SECRET: "s".repeat(32) };
}

/** Resolves when the server has this many requests in flight, the request for the metrics included. */
async function untilInFlight(origin: string, count: number): Promise<void> {
  await vi.waitFor(async () => {
    expect(await (await fetch(`${origin}/metrics`)).text()).toContain(`gateway_requests_in_flight ${count}\n`);
  });
}

async function openStream(origin: string): Promise<IncomingMessage> {
  const request = get(`${origin}/v1/availabilities/stream`);
  onTestFinished(() => void request.destroy());
  const [response]: IncomingMessage[] = await once(request, "response");
  if (!response) throw new Error("There was no response");
  return response.setEncoding("utf8");
}

test.each(["SIGTERM", "SIGINT"] as const)(
  "at %s responds to requests in flight, disconnects the subscribers of streams, and exits with 0",
  async (signal) => {
    const { origin, lines, kill, ended } = await startServer();
    const stream = await openStream(origin);
    let received = "";
    stream.on("data", (text: string) => {
      received += text;
    });
    // The sample agent whose read takes three seconds.
    const asking = fetch(`${origin}/v1/users/3000/availability`);
    await untilInFlight(origin, 3);
    kill(signal);
    expect((await asking).status).toBe(200);
    expect(await ended).toBe(0);
    expect(received).toMatch(/\nretry: \d+\n\n$/);
    expect(lines.slice(-2)).toEqual([
      "Gateway closing: accepts connections for 0 s more; open streams: 1",
      "Gateway closed",
    ]);
  },
);

test("accepts no connection after SIGTERM, and is ready nowhere", async () => {
  const { origin, kill, ended } = await startServer();
  const asking = fetch(`${origin}/v1/users/3000/availability`);
  await untilInFlight(origin, 2);
  kill("SIGTERM");
  await vi.waitFor(() => expect(fetch(`${origin}/readyz`)).rejects.toThrow());
  expect((await asking).status).toBe(200);
  expect(await ended).toBe(0);
});

test("is unready for DRAIN_DELAY_SECONDS, and serves until then, before it closes", async () => {
  const { origin, kill, ended } = await startServer({ DRAIN_DELAY_SECONDS: "2" });
  kill("SIGTERM");
  await vi.waitFor(async () => {
    const response = await fetch(`${origin}/readyz`);
    expect(response.status).toBe(503);
    await expect(response.json()).resolves.toMatchObject({ detail: "The gateway is not ready: it is closing" });
  });
  expect((await fetch(`${origin}/v1/users/123/availability`)).status).toBe(200);
  expect(await ended).toBe(0);
});

test("exits at once at a second signal, of either kind", async () => {
  const { origin, lines, kill, ended } = await startServer({ DRAIN_DELAY_SECONDS: "300" });
  kill("SIGINT");
  await vi.waitFor(() =>
    expect(lines).toContain("Gateway closing: accepts connections for 300 s more; open streams: 0"),
  );
  expect((await fetch(`${origin}/healthz`)).status).toBe(200);
  kill("SIGTERM");
  expect(await ended).toBe("SIGTERM");
});

test("closes despite a client that sends no request, and a client that does not read its response", async () => {
  const { origin, kill, ended } = await startServer();
  const silent = connect(Number(new URL(origin).port), "127.0.0.1");
  onTestFinished(() => void silent.destroy());
  silent.on("error", () => {});
  const deaf = await openStream(origin);
  deaf.pause();
  kill("SIGTERM");
  expect(await ended).toBe(0);
});

test("has written every log line when it exits, if customers are configured", async () => {
  const { origin, lines, kill, ended } = await startServer(await configured());
  const responses = Array.from({ length: 200 }, (_, index) => fetch(`${origin}/embed.js?secret=${index}`));
  for (const response of await Promise.all(responses)) await response.text();
  kill("SIGTERM");
  expect(await ended).toBe(0);
  await vi.waitFor(() => expect(lines.at(-1)).toContain("Gateway closed"));
  const records = lines.map((line): { readonly route?: string } => JSON.parse(line));
  expect(records.filter(({ route }) => route === "/embed.js")).toHaveLength(200);
  expect(lines.join()).not.toContain("secret");
});

test("keeps serving if its log cannot be written, and counts the lost lines", async () => {
  const adminPort = await findFreePort();
  const environment = { ...(await configured()), GATEWAY_ADMIN_PORT: `${adminPort}` };
  // A device that is always full.
  const { origin, kill, ended } = await startServer(environment, "/dev/full");
  for (let count = 0; count < 3; count += 1) expect((await fetch(`${origin}/embed.js`)).status).toBe(200);
  // Lines are written in batches, after a short delay.
  await vi.waitFor(async () => {
    const metrics = await (await fetch(`http://127.0.0.1:${adminPort}/metrics`)).text();
    expect(Number(/^gateway_log_lines_lost_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0);
  });
  kill("SIGTERM");
  expect(await ended).toBe(0);
});

interface Run {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the server until it exits, with a standard input. A server that starts a gateway is killed, as `code` shows. */
function run(args: readonly string[], environment: Readonly<Record<string, string>> = {}, input = ""): Promise<Run> {
  const options = {
    env: { PATH: process.env["PATH"], ...environment },
    timeout: 20_000,
    killSignal: "SIGKILL",
  } as const;
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [SERVER, ...args], options, (error, stdout, stderr) =>
      resolve({ code: error ? error.code : 0, stdout, stderr }),
    );
    // A server that reads no input may have exited.
    child.stdin?.on("error", () => {}).end(input);
  });
}

test("prints its usage and each of its settings, and exits", async () => {
  const { code, stdout, stderr } = await run(["--help"]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).toMatch(
    /^Usage: availability-gateway \[--check \| --check-token \| --print-config \| --help \| --version\]\n/,
  );
  expect(stdout).toContain("\n  GATEWAY_PORT=4100\n      port to listen on, 0 for a free one (default: 4100)\n");
  expect(stdout).toContain("docs/run-the-gateway.md");
});

test("prints the version of its package, and exits", async () => {
  const { version }: { readonly version: string } = JSON.parse(
    readFileSync(new URL("../../package.json", import.meta.url), "utf8"),
  );
  expect(await run(["--version"])).toEqual({ code: 0, stdout: `availability-gateway ${version}\n`, stderr: "" });
});

test("checks its settings without opening a port, and prints no secret", async () => {
  // A gateway on this port could not start.
  const { origin } = await startServer();
  const { port } = new URL(origin);
  const redisUrl = "redis://agent:s3cret@127.0.0.1:6379/1";
  const environment = { ...(await configured()), GATEWAY_PORT: port, GATEWAY_PROT: "9", REDIS_URL: redisUrl };
  const { code, stdout, stderr } = await run(["--check"], environment);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout.split("\n")).toEqual([
    "Settings are valid",
    "warning: GATEWAY_PROT: has no effect, since the gateway has no such setting; the nearest is GATEWAY_PORT",
    `listens on: port ${port} of 127.0.0.1`,
    "metrics and health for the operator on: no port",
    "store: Redis at redis://127.0.0.1:6379/1",
    "trusted proxies: none",
    "stop: accepts no connections from 0 s after the signal",
    "embed.js: browsers ask for a newer one after 300 s",
    "customers: 1",
    "  acme (default): origins https://crm.acme.example; HS256 tokens of acme with 1 secret; upstream memory",
    "",
  ]);
});

test("checks the token on its standard input, prints it nowhere, and exits with 0 or 1", async () => {
  const environment = await configured();
  const sign = (claims: Readonly<Record<string, string>>) =>
    new SignJWT({ customer: "acme", scope: "availability:read", ...claims })
      .setProtectedHeader({ alg: "HS256" })
      .setIssuer("acme")
      .setAudience("gateway")
      .setExpirationTime("5m")
      .sign(new TextEncoder().encode(environment["ACME_SECRET"]));
  const accepted = await run(["--check-token"], environment, `${await sign({ sub: "123" })}\n`);
  expect(accepted).toMatchObject({ code: 0, stderr: "" });
  expect(accepted.stdout).toMatch(
    /^The token is accepted\ncustomer: acme\nsubject: 123\nscopes: availability:read\nuntil: /,
  );
  expect(await run(["--check-token"], environment, await sign({ sub: "nobody" }))).toEqual({
    code: 1,
    stdout: "",
    stderr:
      'For the customer acme: The token\'s claims are not as expected: sub: expected a user id in decimal, as text, or "operator", but it is another text\n',
  });
  const argument = await run(["--check-token", await sign({ sub: "123" })], environment);
  expect(argument).toMatchObject({ code: 2, stdout: "" });
  expect(argument.stderr).not.toContain("eyJ");
});

test("checks the settings of several addresses of Redis, and prints no password", async () => {
  const environment = {
    REDIS_URL: "rediss://agent:s3cret@one,rediss://two:26380",
    REDIS_MODE: "sentinel",
    REDIS_SENTINEL_NAME: "calls",
    REDIS_SENTINEL_PASSWORD: "s3cret",
    REDIS_KEY_PREFIX: "acme",
  };
  const { code, stdout } = await run(["--check"], { ...(await configured()), ...environment });
  expect(code).toBe(0);
  expect(stdout).toContain(
    "\nstore: the Redis that Sentinels call calls, with Sentinels at rediss://one, rediss://two:26380, with the key prefix acme\n",
  );
  expect(stdout).not.toContain("s3cret");
});

test("prints every problem of its settings, and exits with 1", async () => {
  const { GATEWAY_CONFIG = "" } = await configured();
  const environment = { GATEWAY_CONFIG, GATEWAY_PORT: "x", LOG_LEVEL: "loud", REDIS_URL_FILE: "/nowhere/redis" };
  const tls = { GATEWAY_TLS_CERT: GATEWAY_CONFIG, GATEWAY_TLS_KEY: "/nowhere/key" };
  const { code, stdout, stderr } = await run(["--check"], { ...environment, ...tls });
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr.split("\n")).toEqual([
    'REDIS_URL_FILE: "/nowhere/redis" names a file that does not exist',
    'GATEWAY_PORT: "x" is not a port (a whole number from 0 to 65535), for example GATEWAY_PORT=4100',
    'LOG_LEVEL: "loud" is not one of debug, info, warn, error, silent, for example LOG_LEVEL=info',
    `${GATEWAY_CONFIG}: customers.0.tokens.secret: the environment has neither ACME_SECRET nor ACME_SECRET_FILE`,
    'GATEWAY_TLS_KEY: "/nowhere/key" names a file that does not exist',
    "GATEWAY_TLS_CERT: expected the path of a certificate in PEM",
    "",
  ]);
});

test("prints all settings as JSON without a secret, and exits", async () => {
  const environment = { ...(await configured()), REDIS_URL: "redis://agent:s3cret@127.0.0.1:6379/1" };
  const { code, stdout, stderr } = await run(["--print-config"], environment);
  expect([code, stderr]).toEqual([0, ""]);
  expect(JSON.parse(stdout)).toMatchObject({
    variables: { REDIS_URL: { value: "redis://(secret)@127.0.0.1:6379/1", origin: "environment" } },
    customers: [{ id: "acme", tokens: { secret: "(secret)" } }],
    origins: { "customers.0.tokens.secret": "environment ACME_SECRET" },
  });
});

test("ends by SIGHUP as a demo, which has nothing to reload, and not with customers", async () => {
  const demo = await startServer();
  const { origin, kill, lines } = await startServer(await configured());
  for (const each of [demo.kill, kill]) each("SIGHUP");
  expect(await demo.ended).toBe("SIGHUP");
  await vi.waitFor(() => expect(lines.join()).toContain("Settings reloaded: no customer has changed"));
  expect((await fetch(`${origin}/healthz`)).ok).toBe(true);
});

test("rejects an unknown argument, and exits with 2", async () => {
  expect(await run(["--chekc"])).toEqual({
    code: 2,
    stdout: "",
    stderr:
      '"--chekc" is not an option. Usage: availability-gateway [--check | --check-token | --print-config | --help | --version]\n',
  });
});
