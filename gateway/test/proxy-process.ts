/** Runs the proxy configurations of this folder as processes of a test, with other ports and files. */
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:http2";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { onTestFinished, vi } from "vitest";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { findServer } from "../../scripts/testing/report-missing-servers.mjs";

/** A listening proxy. */
export interface ProxyProcess {
  readonly origin: string;
  /** Certificate of the proxy. */
  readonly certificate: string;
  /** The proxy's log of requests so far. */
  readLog(): Promise<string>;
  /** The proxy's log of errors so far. */
  readErrors(): Promise<string>;
}

/** Parameters of a configuration. */
interface Place {
  readonly directory: string;
  readonly port: number;
  readonly gatewayPorts: readonly [number, number];
}

interface Proxy {
  readonly program: string;
  readonly file: string;
  adapt(text: string, place: Place): string;
  arguments(place: Place, path: string): readonly string[];
}

function adaptCaddyfile(text: string, { directory, port, gatewayPorts }: Place): string {
  return replaceEach(text, [
    ["admin off", "admin off\n\tauto_https disable_redirects"],
    [
      "{$DOMAIN:widget.example.com} {",
      `https://localhost:${port} {\n\tbind 127.0.0.1\n\ttls ${directory}/certificate.pem ${directory}/key.pem`,
    ],
    ["output stdout", `output file ${directory}/access.log`],
    ["output stderr", `output file ${directory}/error.log`],
    ["127.0.0.1:4100", `127.0.0.1:${gatewayPorts[0]}`],
    ["127.0.0.1:4110", `127.0.0.1:${gatewayPorts[1]}`],
  ]);
}

function nginxArguments({ directory }: Place, path: string): readonly string[] {
  return ["-p", directory, "-c", path, "-e", `${directory}/error.log`];
}

function adaptNginxConfiguration(text: string, { directory, port, gatewayPorts }: Place): string {
  return replaceEach(text, [
    ["user www-data;", "daemon off;"],
    ["/run/nginx.pid", `${directory}/nginx.pid`],
    ["/var/log/nginx/", `${directory}/`],
    ["worker_processes auto", "worker_processes 1"],
    ["http {", `http {\n${temporaryPaths(directory)}`],
    // nginx cannot pick a free port, and tests do not use the redirect's port.
    ["listen 80;", `listen unix:${directory}/redirect.sock;`],
    ["listen 443 ssl", `listen 127.0.0.1:${port} ssl`],
    ["/etc/ssl/widget.example.com/fullchain.pem", `${directory}/certificate.pem`],
    ["/etc/ssl/widget.example.com/privkey.pem", `${directory}/key.pem`],
    ["127.0.0.1:4100", `127.0.0.1:${gatewayPorts[0]}`],
    ["127.0.0.1:4110", `127.0.0.1:${gatewayPorts[1]}`],
  ]);
}

export const PROXIES = {
  /** All clients of a test have one address, so that most tests would reach the limit of an address. */
  nginx: {
    program: "nginx",
    file: "nginx.conf",
    adapt: (text, place) => adaptNginxConfiguration(replaceEach(text, [["rate=200r/s", "rate=100000r/s"]]), place),
    arguments: nginxArguments,
  },
  /** Scaled down, so that few requests reach the limit. A client is at the address in its `X-Test-Address`. */
  "nginx with its limit": {
    program: "nginx",
    file: "nginx.conf",
    adapt: (text, place) =>
      adaptNginxConfiguration(
        replaceEach(text, [
          ["rate=200r/s", "rate=2r/s"],
          ["burst=1000", "burst=10"],
          ["server_tokens off;", "server_tokens off; set_real_ip_from 127.0.0.1; real_ip_header X-Test-Address;"],
        ]),
        place,
      ),
    arguments: nginxArguments,
  },
  /** nginx as on many sites: compresses each text that the gateway sends uncompressed. */
  "nginx with gzip": {
    program: "nginx",
    file: "nginx.conf",
    adapt: (text, place) =>
      adaptNginxConfiguration(
        replaceEach(text, [
          ["server_tokens off;", "server_tokens off; gzip on; gzip_proxied any; gzip_vary on; gzip_types *;"],
        ]),
        place,
      ),
    arguments: nginxArguments,
  },
  caddy: {
    program: "caddy",
    file: "Caddyfile",
    adapt: adaptCaddyfile,
    arguments: (_place, path) => ["run", "--adapter", "caddyfile", "--config", path],
  },
  /** Caddy as on many sites: compresses all responses, and has no setting for streams. */
  "caddy with encode": {
    program: "caddy",
    file: "Caddyfile",
    adapt: (text, place) =>
      adaptCaddyfile(
        replaceEach(text, [
          ["\t# No `encode`", "\tencode gzip zstd\n\t# No `encode`"],
          ["flush_interval -1", ""],
        ]),
        place,
      ),
    arguments: (_place, path) => ["run", "--adapter", "caddyfile", "--config", path],
  },
} satisfies Readonly<Record<string, Proxy>>;

/**
 * True if the machine has the programs of a proxy. Otherwise `scripts/testing/report-missing-servers.mjs` reports the
 * skipped tests.
 */
export function canStart(name: keyof typeof PROXIES): boolean {
  return findServer(PROXIES[name].program) !== undefined && findServer("openssl") !== undefined;
}

/**
 * Starts a proxy in front of two gateways, and resolves when the proxy accepts connections. Stopped when the test has
 * finished.
 */
export async function startProxy(
  name: keyof typeof PROXIES,
  gatewayPorts: readonly [number, number],
): Promise<ProxyProcess> {
  const proxy: Proxy = PROXIES[name];
  const directory = await mkdtemp(join(tmpdir(), "deploy-"));
  const place = { directory, port: await findFreePort(), gatewayPorts };
  const path = join(directory, proxy.file);
  const text = await readFile(fileURLToPath(new URL(`../deploy/${proxy.file}`, import.meta.url)), "utf8");
  await writeFile(path, proxy.adapt(text, place));
  const certificate = await makeCertificate(directory);
  const child = spawn(findServer(proxy.program) ?? proxy.program, proxy.arguments(place, path), {
    // Caddy stores files below its home directory.
    env: { PATH: process.env["PATH"], HOME: directory, XDG_DATA_HOME: directory, XDG_CONFIG_HOME: directory },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (part: string) => {
    said += part;
  });
  const ended = once(child, "exit");
  onTestFinished(async () => {
    child.kill("SIGTERM");
    await ended;
    await rm(directory, { recursive: true });
  });
  const origin = `https://localhost:${place.port}`;
  await vi.waitFor(() => accepts(origin, certificate, () => (child.exitCode === null ? undefined : said)), 20_000);
  const read = (name: string) => readFile(join(directory, name), "utf8");
  return { origin, certificate, readLog: () => read("access.log"), readErrors: () => read("error.log") };
}

/**
 * Replaces all texts at once, so that no text is replaced in a replacement.
 *
 * @throws {Error} if a text is missing: the test does not match the configuration.
 */
function replaceEach(text: string, replacements: readonly (readonly [string, string])[]): string {
  for (const [before] of replacements) {
    if (!text.includes(before)) throw new Error(`There is no ${JSON.stringify(before)} to replace`);
  }
  const after = new Map(replacements);
  const pattern = replacements.map(([before]) => before.replaceAll(/[^\w\s]/g, "\\$&")).join("|");
  return text.replaceAll(new RegExp(pattern, "g"), (before) => after.get(before) ?? before);
}

/** Redirects nginx's further files, since the default folders belong to root. */
function temporaryPaths(directory: string): string {
  const kinds = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  return kinds.map((kind) => `${kind}_temp_path ${directory}/${kind};`).join("\n");
}

/** Creates a self-signed certificate for `localhost`, in the directory with its key. */
async function makeCertificate(directory: string): Promise<string> {
  const subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"];
  const key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", "key.pem"];
  const { status, stderr } = spawnSync(
    findServer("openssl") ?? "",
    ["req", "-x509", "-days", "2", ...subject, ...key, "-out", "certificate.pem"],
    { cwd: directory, encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`);
  return readFile(join(directory, "certificate.pem"), "utf8");
}

/**
 * Resolves when the proxy accepts a connection. @throws {Error} with the proxy's output if the proxy has ended instead.
 */
async function accepts(origin: string, certificate: string, whyEnded: () => string | undefined): Promise<void> {
  const why = whyEnded();
  if (why !== undefined) throw new Error(`The proxy has ended: ${why}`);
  const session = connect(origin, { ca: certificate });
  try {
    await once(session, "connect");
  } finally {
    session.destroy();
  }
}
