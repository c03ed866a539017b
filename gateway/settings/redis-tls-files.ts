import { createPrivateKey, X509Certificate } from "node:crypto";
import type { RedisTls } from "../store/redis/redis-server-options.ts";
import type { Environment } from "./environment.ts";
import { type ReadFile, readSecretFile } from "./secret-files.ts";

/** Paths of the files with certificates for Redis, and a line for each file that cannot be used. */
export interface RedisTlsFiles {
  readonly tls: RedisTls;
  readonly problems: readonly string[];
}

/** Checks the files with certificates for Redis. The store reads them again for each connection. */
export function checkRedisTlsFiles(environment: Environment, readFile: ReadFile): RedisTlsFiles {
  const problems: string[] = [];

  /** Returns the file's absolute path, and what `parse` makes of the content. */
  function check<Content>(name: string, wanted: string, parse: (text: string) => Content) {
    const path = environment[name];
    if (!path) return {};
    const file = readSecretFile(path, environment, readFile);
    if ("problem" in file) {
      problems.push(`${name}: ${file.problem}`);
      return {};
    }
    try {
      return { path: file.path, content: parse(file.text) };
    } catch {
      // OpenSSL's reason names its own decoders, and nothing that an operator could change.
      problems.push(`${name}: ${JSON.stringify(file.path)} names a file without ${wanted} in PEM format`);
      return {};
    }
  }

  const toCertificate = (text: string) => new X509Certificate(text);
  const authority = check("REDIS_TLS_CA", "a certificate", toCertificate);
  const certificate = check("REDIS_TLS_CERT", "a certificate", toCertificate);
  const key = check("REDIS_TLS_KEY", "a private key that is not encrypted", createPrivateKey);
  if (certificate.content && key.content && !certificate.content.checkPrivateKey(key.content)) {
    problems.push("REDIS_TLS_KEY: names a file with another key than that of the certificate in REDIS_TLS_CERT");
  }
  return { tls: { caPath: authority.path, certPath: certificate.path, keyPath: key.path }, problems };
}
