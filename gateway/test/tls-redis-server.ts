/** A Redis with TLS and a certificate of a private authority. */
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { type Authority, createAuthority, hasOpenssl } from "./certificates.ts";
import { hasRedisServer, type RedisServer, startRedisServer } from "./redis-server.ts";

/** True if the machine has Redis and openssl, as `hasRedisServer`. */
export const hasTlsRedisServer = hasRedisServer && hasOpenssl;

export interface TlsRedisServer extends RedisServer {
  /** Address with TLS; `url` is the address without. */
  readonly tlsUrl: string;
  readonly authority: Authority;
}

/** Issues a certificate for a server. Returns the settings with its files. */
export function issueServerFiles({ caPath, issue }: Authority): readonly string[] {
  const { certPath, keyPath } = issue("redis");
  return ["--tls-cert-file", certPath, "--tls-key-file", keyPath, "--tls-ca-cert-file", caPath];
}

/** Starts a Redis that demands client certificates of its authority, unless `settings` say otherwise. */
export async function startTlsRedisServer(settings: readonly string[] = []): Promise<TlsRedisServer> {
  const authority = createAuthority();
  const port = await findFreePort();
  const server = await startRedisServer(["--tls-port", `${port}`, ...issueServerFiles(authority), ...settings]);
  return {
    ...server,
    tlsUrl: `rediss://127.0.0.1:${port}`,
    authority,
    async remove() {
      await server.remove();
      authority.remove();
    },
  };
}
