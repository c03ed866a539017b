// @ts-check
/**
 * Prints the servers and programs that the tests use, the missing programs whose tests are skipped, and how to install
 * them.
 */
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

/**
 * Programs that tests start as separate processes. If a program is missing, its tests are skipped. The package is
 * Debian's; `isOptional` if Debian itself does not have it.
 *
 * @type {readonly { readonly name: string, readonly tested: string, readonly package: string, readonly isOptional?: boolean }[]}
 */
const SERVERS = [
  { name: "redis-server", tested: "the store that several gateways share", package: "redis-server" },
  { name: "redis-sentinel", tested: "a failover that Sentinels make", package: "redis-sentinel" },
  {
    name: "valkey-server",
    tested: "the store in Valkey",
    package: "valkey-server, on Debian 12 of bookworm-backports",
    isOptional: true,
  },
  {
    name: "nginx",
    tested: "gateway/deploy/nginx.conf, several gateways behind it, and a stream that a proxy buffers",
    package: "nginx",
  },
  { name: "caddy", tested: "gateway/deploy/Caddyfile", package: "caddy" },
  { name: "openssl", tested: "servers that need a certificate", package: "openssl" },
  { name: "cc", tested: "a clock that is set back", package: "gcc libc6-dev" },
  { name: "prlimit", tested: "a full disk", package: "util-linux" },
  { name: "buildah", tested: "gateway/deploy/Containerfile, as root alone", package: "buildah" },
  { name: "systemd-notify", tested: "what the gateway tells systemd", package: "systemd" },
  { name: "python3", tested: "the same, since it listens in place of systemd", package: "python3-minimal" },
  { name: "systemd-analyze", tested: "gateway/deploy/availability-gateway@.service", package: "systemd" },
  { name: "promtool", tested: "the alerts of gateway/deploy/prometheus", package: "prometheus" },
];

/**
 * Finds a server's executable; `undefined` if the machine has none.
 *
 * @param {string} name
 */
export function findServer(name) {
  // Debian installs some servers in folders of root's path only.
  const directories = [...(process.env["PATH"] ?? "").split(path.delimiter), "/usr/sbin", "/usr/local/sbin"];
  return directories.map((directory) => path.join(directory, name)).find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Missing or not executable: the program cannot be started in either case.
    return false;
  }
}

function describeServers() {
  const found = SERVERS.filter(({ name }) => findServer(name));
  const missing = SERVERS.filter(({ name }) => !findServer(name));
  const missingNames = missing.map((server) => `${server.name} (${server.tested}; apt-get install ${server.package})`);
  const parts = [
    found.length > 0 && `Servers: ${found.map(({ name }) => name).join(", ")}`,
    missingNames.length > 0 && `skipped because they are not installed: ${missingNames.join(", ")}`,
  ];
  // `--every` makes a missing program an error, as in the project's own check.
  if (missing.some(({ isOptional }) => !isOptional) && process.argv.includes("--every")) process.exitCode = 1;
  return parts.filter(Boolean).join("; ");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) console.log(describeServers());
