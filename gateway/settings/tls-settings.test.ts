import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { canMakeCertificates, makeCertificate } from "../test/test-certificate.ts";
import { readSettings } from "./settings.ts";
import { messageFor } from "./test-settings.ts";

function makeFolder(): string {
  const directory = mkdtempSync(join(tmpdir(), "tls-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}

const environmentOf = (certPath: string, keyPath: string) => ({ GATEWAY_TLS_CERT: certPath, GATEWAY_TLS_KEY: keyPath });

test.skipIf(!canMakeCertificates)("reads the certificate and the key, also from the credentials of systemd", () => {
  const folder = makeFolder();
  const { certPath, keyPath, ...made } = makeCertificate(folder, ["localhost"]);
  // The end of line at the end of a file is not part of its content.
  const [cert, key] = [made.cert.trimEnd(), made.key.trimEnd()];
  expect(readSettings(environmentOf(certPath, keyPath))).toMatchObject({ tls: { cert, key }, warnings: [] });
  const relative = environmentOf("server.crt", "server.key");
  expect(readSettings({ ...relative, CREDENTIALS_DIRECTORY: folder }).tls).toEqual({ cert, key });
});

test.skipIf(!canMakeCertificates)("warns of a certificate that ends soon", () => {
  const { certPath, keyPath } = makeCertificate(makeFolder(), ["localhost"], { days: 13 });
  const { warnings } = readSettings(environmentOf(certPath, keyPath));
  expect(warnings).toEqual([
    expect.stringMatching(/^GATEWAY_TLS_CERT: the certificate ends on \d{4}-\d\d-\d\d: replace it, and reload$/),
  ]);
});

test.skipIf(!canMakeCertificates)(
  "names each file that is missing, is something else, or does not belong to the other",
  () => {
    const folder = makeFolder();
    const own = makeCertificate(folder, ["localhost"]);
    const other = makeCertificate(folder, ["localhost"], { prefix: "other" });
    writeFileSync(join(folder, "text"), "hunter2");
    const text = join(folder, "text");
    expect(messageFor(environmentOf(own.certPath, other.keyPath))).toBe(
      "GATEWAY_TLS_KEY: expected the private key of the certificate in GATEWAY_TLS_CERT, and it is another",
    );
    expect(messageFor(environmentOf(text, text)).split("\n")).toEqual([
      "GATEWAY_TLS_CERT: expected the path of a certificate in PEM",
      "GATEWAY_TLS_KEY: expected the path of a private key in PEM, without a password",
    ]);
    expect(messageFor(environmentOf("/nowhere/a.crt", "/nowhere/a.key")).split("\n")).toEqual([
      'GATEWAY_TLS_CERT: "/nowhere/a.crt" names a file that does not exist',
      'GATEWAY_TLS_KEY: "/nowhere/a.key" names a file that does not exist',
    ]);
    expect(messageFor({ GATEWAY_TLS_CERT: own.certPath })).toBe(
      "GATEWAY_TLS_KEY: is not set, and TLS needs it beside GATEWAY_TLS_CERT",
    );
  },
);
