/** A Redis Cluster of a test: three masters, each with a replica. */
import { setTimeout as delay } from "node:timers/promises";
import * as v from "valibot";
import { findFreePort } from "../../scripts/testing/local-server.ts";
import { shardIndexOf, shardNames } from "../store/redis/shards.ts";
import { type RedisServer, startRedisServer } from "./redis-server.ts";

const SLOTS = 16_384;
const MASTERS = 3;

/** Time after which the nodes count a silent node as failed, in milliseconds. Long, for a busy machine. */
const NODE_TIMEOUT_MS = 3_000;

/** A replica may take over however long it was without its master. The other masters go on while one is missing. */
const NODE_SETTINGS = [
  `--cluster-enabled yes --cluster-node-timeout ${NODE_TIMEOUT_MS} --cluster-require-full-coverage no`,
  "--cluster-replica-validity-factor 0 --repl-ping-replica-period 1 --repl-diskless-sync-delay 0",
].flatMap((words) => words.split(" "));

type NodeSettings = readonly string[] | (() => Promise<readonly string[]>);

export interface RedisCluster {
  /** Addresses of all nodes. */
  readonly addresses: readonly string[];
  readonly nodes: readonly RedisServer[];
  /** Returns the node that is the master of the key's slot, as the nodes agree. */
  masterOf(key: string): Promise<RedisServer>;
  /** Returns a node that has the same slots as the master and is its replica. */
  replicaOf(master: RedisServer): Promise<RedisServer>;
  /** Moves the slot of a key, with all keys in the slot, to another master. Returns that master. */
  moveSlot(key: string): Promise<RedisServer>;
  /** Ends all nodes and removes their files. */
  remove(): Promise<void>;
}

const SHARDS = shardNames("cluster");

/** Returns the id of a customer whose shard has this name. */
export function customerOfShard(name: string): string {
  for (let number = 0; ; number += 1) {
    const customerId = `customer-${number}`;
    if (SHARDS[shardIndexOf(customerId, SHARDS.length)] === name) return customerId;
  }
}

/**
 * Starts a cluster whose masters have equal ranges of slots, and resolves when each replica has its master's data.
 *
 * @param settings further settings of each node, or a function that returns those of the next node
 */
export async function startRedisCluster(settings: NodeSettings = []): Promise<RedisCluster> {
  const nodes = await Promise.all(Array.from({ length: 2 * MASTERS }, () => startNode(settings)));
  const masters = nodes.slice(0, MASTERS);
  try {
    await joinMasters(masters);
    for (const [index, replica] of nodes.slice(MASTERS).entries()) await joinReplica(replica, masters[index]);
    await Promise.all(nodes.map(waitUntilJoined));
  } catch (error) {
    await Promise.all(nodes.map(({ remove }) => remove()));
    throw error;
  }
  return {
    addresses: nodes.map(({ url }) => url),
    nodes,
    masterOf: (key) => masterOf(nodes, key),
    replicaOf: (master) => replicaOf(nodes, master),
    moveSlot: (key) => moveSlot(nodes, key),
    async remove() {
      await Promise.all(nodes.map(({ remove }) => remove()));
    },
  };
}

async function startNode(settings: NodeSettings): Promise<RedisServer> {
  const busPort = await findFreePort();
  const more = typeof settings === "function" ? await settings() : settings;
  return startRedisServer([...NODE_SETTINGS, "--cluster-port", `${busPort}`, ...more]);
}

async function joinMasters(masters: readonly RedisServer[]): Promise<void> {
  for (const [index, master] of masters.entries()) {
    const [from, to] = [index, index + 1].map((part) => Math.floor((part * SLOTS) / MASTERS));
    await master.command(["CLUSTER", "SET-CONFIG-EPOCH", `${index + 1}`]);
    await master.command(["CLUSTER", "ADDSLOTSRANGE", `${from}`, `${(to ?? 0) - 1}`]);
  }
  const [first, ...others] = masters;
  for (const master of others) if (first) await meet(master, first);
  await Promise.all(
    masters.map((master) => waitUntil(async () => (await clusterInfo(master)).get("cluster_state") === "ok")),
  );
}

async function joinReplica(replica: RedisServer, master: RedisServer | undefined): Promise<void> {
  if (!master) throw new Error("There is no master for the replica");
  await meet(replica, master);
  const id = await idOf(master);
  await waitUntil(async () => {
    // The replica rejects a master of which it has not heard yet.
    return replica.command(["CLUSTER", "REPLICATE", id]).then(
      () => true,
      () => false,
    );
  });
}

/** Waits until the node knows every node and its role, and a replica also has its master's data. */
async function waitUntilJoined(node: RedisServer): Promise<void> {
  await waitUntil(async () => {
    const roles = [...(await rolesAt(node)).values()];
    const replication = parseInfo(await node.command(["INFO", "replication"]));
    const hasData = replication.get("role") === "master" || replication.get("master_link_status") === "up";
    // A node that the handshake is not over with is neither.
    const masters = roles.filter(({ isMaster }) => isMaster);
    const replicas = roles.filter(({ masterId }) => masterId !== "-");
    return hasData && masters.length === MASTERS && replicas.length === MASTERS;
  });
}

const Ports = v.object({
  port: v.string(),
  "tls-port": v.string(),
  "tls-cluster": v.string(),
  "cluster-port": v.string(),
});

async function meet(node: RedisServer, other: RedisServer): Promise<void> {
  const configured = await other.command(["CONFIG", "GET", ...Object.keys(Ports.entries)]);
  const ports = v.parse(Ports, configured);
  // With TLS the nodes know each other by the port with TLS.
  const port = ports["tls-cluster"] === "yes" ? ports["tls-port"] : ports.port;
  await node.command(["CLUSTER", "MEET", "127.0.0.1", port, ports["cluster-port"]]);
}

async function idOf(node: RedisServer): Promise<string> {
  return String(await node.command(["CLUSTER", "MYID"]));
}

async function clusterInfo(node: RedisServer): Promise<ReadonlyMap<string, string>> {
  return parseInfo(await node.command(["CLUSTER", "INFO"]));
}

function parseInfo(reply: unknown): ReadonlyMap<string, string> {
  const lines = String(reply)
    .split("\r\n")
    .filter((line) => line.includes(":"));
  return new Map(lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1)]));
}

interface NodeRole {
  readonly port: string;
  readonly isMaster: boolean;
  /** Id of the master of a replica; `-` of any other node. */
  readonly masterId: string;
  readonly isFailed: boolean;
}

/** Returns the roles of all nodes by their ids, as one node knows them. */
async function rolesAt(node: RedisServer): Promise<ReadonlyMap<string, NodeRole>> {
  const lines = String(await node.command(["CLUSTER", "NODES"]))
    .trim()
    .split("\n");
  return new Map(
    lines.map((line) => {
      const [id = "", address = "", flags = "", masterId = ""] = line.split(" ");
      const [, port = ""] = /:(\d+)@/.exec(address) ?? [];
      return [id, { port, isMaster: flags.includes("master"), masterId, isFailed: flags.includes("fail") }];
    }),
  );
}

async function masterOf(nodes: readonly RedisServer[], key: string): Promise<RedisServer> {
  for (const node of nodes) {
    try {
      const slot = Number(await node.command(["CLUSTER", "KEYSLOT", key]));
      const ranges = (await node.command(["CLUSTER", "SLOTS"])) as readonly [number, number, [string, number]][];
      const range = ranges.find(([from, to]) => from <= slot && slot <= to);
      const master = nodes.find(({ url }) => new URL(url).port === `${range?.[2][1]}`);
      if (master) return master;
    } catch {
      // The node was killed: another node knows the master.
    }
  }
  throw new Error(`No node names the master of ${key}`);
}

async function replicaOf(nodes: readonly RedisServer[], master: RedisServer): Promise<RedisServer> {
  const id = await idOf(master);
  const roles = [...(await rolesAt(master)).values()];
  const { port } = roles.find(({ masterId }) => masterId === id) ?? {};
  const replica = nodes.find(({ url }) => new URL(url).port === port);
  return replica ?? Promise.reject(new Error(`The master at ${master.url} has no replica`));
}

async function moveSlot(nodes: readonly RedisServer[], key: string): Promise<RedisServer> {
  const from = await masterOf(nodes, key);
  const slot = String(await from.command(["CLUSTER", "KEYSLOT", key]));
  const roles = [...(await rolesAt(from)).values()].filter(({ isMaster, isFailed }) => isMaster && !isFailed);
  const to = nodes.find(({ url }) => url !== from.url && roles.some(({ port }) => port === new URL(url).port));
  if (!to) throw new Error("There is no other master");
  const [fromId, toId] = await Promise.all([idOf(from), idOf(to)]);
  await to.command(["CLUSTER", "SETSLOT", slot, "IMPORTING", fromId]);
  await from.command(["CLUSTER", "SETSLOT", slot, "MIGRATING", toId]);
  const { port } = new URL(to.url);
  for (;;) {
    const keys = (await from.command(["CLUSTER", "GETKEYSINSLOT", slot, "100"])) as readonly string[];
    if (keys.length === 0) break;
    await from.command(["MIGRATE", "127.0.0.1", port, "", "0", "5000", "KEYS", ...keys]);
  }
  // The new master first: until the former one knows it too, the slot has a master.
  for (const node of [to, from]) await node.command(["CLUSTER", "SETSLOT", slot, "NODE", toId]);
  return to;
}

async function waitUntil(isDone: () => Promise<boolean>): Promise<void> {
  while (!(await isDone())) await delay(50);
}
