import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, type JWTHeaderParameters, SignJWT } from "jose";
import { onTestFinished } from "vitest";
import type { TokenSettings } from "../auth/token-settings.ts";

/** Time at which the tests' tokens are verified, in milliseconds since 1970. */
export const NOW_MS = 1_800_000_000_000;
export const NOW_SECONDS = NOW_MS / 1000;

export const SECRET = "0123456789abcdef0123456789abcdef";

/** A customer whose tokens are signed with `SECRET`. */
export const SECRET_SETTINGS: TokenSettings = {
  algorithm: "HS256",
  issuer: "https://login.acme.example",
  audience: "availability-bridge",
  leewaySeconds: 30,
  maxLifetimeSeconds: 86_400,
  secret: SECRET,
};

/** Claims of a good token of the customer `acme`, for the agent 123. */
export const CLAIMS = {
  iss: "https://login.acme.example",
  aud: "availability-bridge",
  exp: NOW_SECONDS + 600,
  sub: "123",
  customer: "acme",
  scope: "availability:read availability:write",
};

/** Signs a token with the given claims in place of the good claims; an `undefined` claim is left out. */
export async function mint(
  claims: Readonly<Record<string, unknown>> = {},
  key: CryptoKey | Uint8Array = new TextEncoder().encode(SECRET),
  header: JWTHeaderParameters = { alg: "HS256" },
): Promise<string> {
  return new SignJWT({ ...CLAIMS, ...claims }).setProtectedHeader(header).sign(key);
}

/** A key pair, with its public half as in a key set. */
export async function makeKey(
  algorithm: string,
  kid: string,
): Promise<{ readonly privateKey: CryptoKey; readonly jwk: JWK }> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, use: "sig" } };
}

/** A server of key sets, whose responses a test may change. */
export interface JwksServer {
  readonly url: string;
  answer: { status?: number; body: unknown };
  /** Number of requests. */
  requests(): number;
  close(): Promise<void>;
}

/** Serves the key set on a free port until the test is over. */
export async function serveJwks(keys: readonly JWK[], port = 0): Promise<JwksServer> {
  let count = 0;
  const answering: JwksServer["answer"] = { body: { keys } };
  const server = createServer((_request, response) => {
    count += 1;
    const { status = 200, body } = keySetServer.answer;
    response.writeHead(status, { "Content-Type": "application/json", ...(status === 302 && { Location: "/other" }) });
    response.end(typeof body === "string" ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  onTestFinished(close);
  const { port: taken } = server.address() as AddressInfo;
  const keySetServer: JwksServer = {
    url: `http://127.0.0.1:${taken}/keys`,
    answer: answering,
    requests: () => count,
    close,
  };
  return keySetServer;
}
