import { createPrivateKey, X509Certificate } from "node:crypto";
import { createSecureContext } from "node:tls";
import * as v from "valibot";
import type { Environment } from "./environment.ts";
import { type ReadFile, readSecretFile } from "./secret-files.ts";

/** Certificate and key of the gateway's port, in PEM. */
export interface TlsSettings {
  /** The certificate, followed by the certificates of intermediate authorities. */
  readonly cert: string;
  readonly key: string;
}

/** Schemas of the variables with the paths of both files, with their documentation. */
export const TLS_VARIABLES = {
  GATEWAY_TLS_CERT: v.pipe(
    v.optional(v.string()),
    v.metadata({
      meaning:
        "path of the certificate in PEM, with those of the authorities in between; the port then speaks TLS alone",
      example: "/etc/availability-gateway/fullchain.pem",
    }),
  ),
  GATEWAY_TLS_KEY: v.pipe(
    v.optional(v.string()),
    v.metadata({
      meaning: "path of the certificate's private key in PEM, without a password",
      example: "/etc/availability-gateway/privkey.pem",
    }),
  ),
};

/** Days before the end of a certificate from which the log warns of it. */
const WARNING_DAYS = 14;

const DAY_MS = 86_400_000;

/** Sinks for the lines about the files. */
export interface TlsReports {
  readonly readFile: ReadFile;
  readonly problems: string[];
  readonly warnings: string[];
  /** @default the machine's clock, in milliseconds since 1970 */
  readonly nowMs?: number;
}

/** Reads the certificate and the key; `undefined` without them. Adds a line to `problems` for each bad file. */
export function readTlsSettings(environment: Environment, reports: TlsReports): TlsSettings | undefined {
  const { problems, warnings, nowMs = Date.now() } = reports;
  const [cert, key] = [
    readPem("GATEWAY_TLS_CERT", environment, reports),
    readPem("GATEWAY_TLS_KEY", environment, reports),
  ];
  if (cert === "unset" && key === "unset") return undefined;
  if (cert === "unset") problems.push("GATEWAY_TLS_CERT: is not set, and TLS needs it beside GATEWAY_TLS_KEY");
  if (key === "unset") problems.push("GATEWAY_TLS_KEY: is not set, and TLS needs it beside GATEWAY_TLS_CERT");
  const certificate = typeof cert === "object" ? parse(() => new X509Certificate(cert.text)) : undefined;
  const privateKey = typeof key === "object" ? parse(() => createPrivateKey(key.text)) : undefined;
  if (typeof cert === "object" && !certificate)
    problems.push("GATEWAY_TLS_CERT: expected the path of a certificate in PEM");
  if (typeof key === "object" && !privateKey)
    problems.push("GATEWAY_TLS_KEY: expected the path of a private key in PEM, without a password");
  if (typeof cert !== "object" || typeof key !== "object" || !certificate || !privateKey) return undefined;
  // OpenSSL also rejects keys that are too short.
  if (!parse(() => createSecureContext({ cert: cert.text, key: key.text }))) {
    problems.push(
      "GATEWAY_TLS_KEY: expected the private key of the certificate in GATEWAY_TLS_CERT, and it is another",
    );
    return undefined;
  }
  warnings.push(...describeEnd(certificate, nowMs));
  return { cert: cert.text, key: key.text };
}

function readPem(
  name: string,
  environment: Environment,
  { readFile, problems }: TlsReports,
): "unset" | "unreadable" | { readonly text: string } {
  const path = environment[name];
  if (!path) return "unset";
  const content = readSecretFile(path, environment, readFile);
  if (!("problem" in content)) return content;
  problems.push(`${name}: ${content.problem}`);
  return "unreadable";
}

/** Warns of a certificate that has ended, or ends soon. */
function describeEnd({ validTo }: X509Certificate, nowMs: number): readonly string[] {
  const endMs = Date.parse(validTo);
  if (endMs > nowMs + WARNING_DAYS * DAY_MS) return [];
  const verb = endMs < nowMs ? "has ended" : "ends";
  return [
    `GATEWAY_TLS_CERT: the certificate ${verb} on ${new Date(endMs).toISOString().slice(0, 10)}: replace it, and reload`,
  ];
}

function parse<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch {
    // The message of OpenSSL may quote the file.
    return undefined;
  }
}
