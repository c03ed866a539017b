/** A Redis Cluster with TLS and certificates of a private authority. */
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { type Authority, createAuthority } from "./certificates.ts";
import { type RedisCluster, startRedisCluster } from "./redis-cluster.ts";
import { issueServerFiles } from "./tls-redis-server.ts";

export interface TlsRedisCluster extends RedisCluster {
  /** Addresses with TLS of all nodes; `addresses` are those without. */
  readonly tlsAddresses: readonly string[];
  readonly authority: Authority;
}

/** Starts a cluster whose nodes use TLS for clients, replicas and each other, and demand client certificates. */
export async function startTlsRedisCluster(): Promise<TlsRedisCluster> {
  const authority = createAuthority();
  const files = issueServerFiles(authority);
  const tlsAddresses: string[] = [];
  const cluster = await startRedisCluster(async () => {
    const port = await findFreePort();
    tlsAddresses.push(`rediss://127.0.0.1:${port}`);
    return [...files, "--tls-port", `${port}`, "--tls-cluster", "yes", "--tls-replication", "yes"];
  });
  return {
    ...cluster,
    tlsAddresses,
    authority,
    async remove() {
      await cluster.remove();
      authority.remove();
    },
  };
}
