/** Makes self-signed certificates for a test's servers. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { findServer } from "../../scripts/testing/report-missing-servers.mjs";

/** True if the machine can make certificates. Otherwise `report-missing-servers.mjs` reports the skipped tests. */
export const canMakeCertificates = findServer("openssl") !== undefined;

/** A certificate that is its own authority. */
export interface TestCertificate {
  readonly certPath: string;
  readonly keyPath: string;
  readonly cert: string;
  readonly key: string;
}

/** Makes a certificate for the names and IPv4 addresses, in files of the directory that begin with `prefix`. It ends after so many days. */
export function makeCertificate(
  directory: string,
  names: readonly string[],
  { prefix = "server", days = 30 }: { readonly prefix?: string; readonly days?: number } = {},
): TestCertificate {
  const [certPath, keyPath] = [join(directory, `${prefix}.crt`), join(directory, `${prefix}.key`)];
  const alternatives = names.map((name) => (/^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`));
  const subject = ["-subj", `/CN=${names[0]}`, "-addext", `subjectAltName=${alternatives.join()}`];
  const newKey = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", keyPath];
  const { status, stderr } = spawnSync(
    findServer("openssl") ?? "",
    ["req", "-x509", "-days", `${days}`, ...subject, ...newKey, "-out", certPath],
    { encoding: "utf8" },
  );
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`);
  return { certPath, keyPath, cert: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8") };
}
