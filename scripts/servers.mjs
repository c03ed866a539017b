// @ts-check
/** Says which servers the tests have run over, which they have skipped for want of one, and how to install it. */
import { accessSync, constants } from "node:fs";
import path from "node:path";
import { pathToFileURL } from "node:url";

/**
 * The servers that tests start as processes of their own. Where one is missing, its tests are skipped.
 *
 * @type {readonly { readonly name: string, readonly tested: string }[]}
 */
const SERVERS = [{ name: "redis-server", tested: "the store that several gateways share" }];

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
  const parts = [
    found.length > 0 && `Servers: ${found.map(({ name }) => name).join(", ")}`,
    missing.length > 0 &&
      `skipped, since they are not here: ${missing.map(({ name, tested }) => `${name} (${tested}; apt-get install ${name})`).join(", ")}`,
  ];
  return parts.filter(Boolean).join("; ");
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) console.log(describeServers());
