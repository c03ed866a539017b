// @ts-check
/** Says which servers and other programs the tests have run over, which they have skipped for want of one, and how to install it. */
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

/**
 * The programs that tests start as processes of their own. Where one is missing, its tests are skipped. The package is Debian's.
 *
 * @type {readonly { readonly name: string, readonly tested: string, readonly package: string }[]}
 */
const SERVERS = [
  { name: "redis-server", tested: "the store that several gateways share", package: "redis-server" },
  {
    name: "nginx",
    tested: "gateway/deploy/nginx.conf, several gateways behind it, and a stream that it holds back",
    package: "nginx",
  },
  { name: "caddy", tested: "gateway/deploy/Caddyfile", package: "caddy" },
  { name: "openssl", tested: "both, which need a certificate", package: "openssl" },
  { name: "cc", tested: "a clock that goes wrong", package: "gcc libc6-dev" },
  { name: "prlimit", tested: "a full disk", package: "util-linux" },
  { name: "systemd-analyze", tested: "gateway/deploy/availability-gateway.service", package: "systemd" },
];

/**
 * Where a server's executable is; `undefined` where it is not on this machine.
 *
 * @param {string} name
 */
export function findServer(name) {
  // Debian keeps some of them where only root's path leads.
  const directories = [...(process.env["PATH"] ?? "").split(path.delimiter), "/usr/sbin", "/usr/local/sbin"];
  return directories.map((directory) => path.join(directory, name)).find(isExecutable);
}

/** @param {string} file */
function isExecutable(file) {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    // Not there, or not for us to run: either way it cannot be started.
    return false;
  }
}

function describeServers() {
  const found = SERVERS.filter(({ name }) => findServer(name));
  const missing = SERVERS.filter(({ name }) => !findServer(name));
  const lacks = missing.map((server) => `${server.name} (${server.tested}; apt-get install ${server.package})`);
  const parts = [
    found.length > 0 && `Servers: ${found.map(({ name }) => name).join(", ")}`,
    lacks.length > 0 && `skipped, since they are not here: ${lacks.join(", ")}`,
  ];
  // Where every one is demanded, as in the project's own check.
  if (missing.length > 0 && process.argv.includes("--every")) process.exitCode = 1;
  return parts.filter(Boolean).join("; ");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) console.log(describeServers());
