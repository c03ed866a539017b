/** Certificates of a test's own authority, made by openssl. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { findServer } from "../../scripts/testing/report-missing-servers.mjs";

/** Paths of PEM files. */
export interface Certificate {
  readonly certPath: string;
  readonly keyPath: string;
}

export interface Authority {
  readonly caPath: string;
  /** Issues a certificate for 127.0.0.1 and for clients, with the given common name. */
  issue(name: string): Certificate;
  /** Removes all files. */
  remove(): void;
}

/**
 * True if the machine has openssl. Otherwise `scripts/testing/report-missing-servers.mjs` reports the skipped tests.
 */
export const hasOpenssl = findServer("openssl") !== undefined;

const KEY = "req -x509 -days 2 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(" ");

/** Creates an authority. */
export function createAuthority(): Authority {
  const directory = mkdtempSync(path.join(tmpdir(), "authority-"));
  const file = (name: string) => path.join(directory, name);
  const caPath = file("ca.pem");
  const caKeyPath = file("ca-key.pem");
  run([...KEY, "-subj", "/CN=test authority", "-keyout", caKeyPath, "-out", caPath]);
  return {
    caPath,
    remove: () => rmSync(directory, { recursive: true }),
    issue(name) {
      const certPath = file(`${name}.pem`);
      const keyPath = file(`${name}-key.pem`);
      const extensions = ["-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:false"];
      const signer = ["-CA", caPath, "-CAkey", caKeyPath, "-subj", `/CN=${name}`];
      run([...KEY, ...signer, ...extensions, "-keyout", keyPath, "-out", certPath]);
      return { certPath, keyPath };
    },
  };
}

function run(words: readonly string[]): void {
  const { status, stderr } = spawnSync(findServer("openssl") ?? "", words, { encoding: "utf8" });
  if (status !== 0) throw new Error(`openssl made no certificate: ${stderr}`);
}
