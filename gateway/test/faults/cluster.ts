/** An operator's setup for many customers: two gateways over one Redis, behind a proxy. */
import { expect, onTestFinished } from "vitest";
import { type PROXIES, type ProxyProcess, startProxy } from "../proxy-process.ts";
import { type RedisServer, type Surroundings, startRedisServer } from "../redis-server.ts";
import { type CustomerDetails, type CustomerId, type CustomersFile, writeCustomersFile } from "./customers-file.ts";
import { type Address, createGatewayClient, type GatewayHttpClient } from "./gateway-client.ts";
import { type GatewayProcess, startGateway } from "./gateway-process.ts";
import { openStreamReader, type StreamReader } from "./stream-reader.ts";
import { introduceUsers } from "./users.ts";

export interface ClusterOptions {
  /** Further settings of Redis, as on its command line. */
  readonly redisSettings?: readonly string[];
  readonly redisSurroundings?: Surroundings;
  readonly customers?: Partial<Record<CustomerId, CustomerDetails>>;
  /** The proxy in front of the gateways. @default nginx */
  readonly proxy?: keyof typeof PROXIES;
  /** Path of both gateways' program. @default that of the present build */
  readonly program?: string;
  /** Further settings of both gateways. */
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Cluster {
  readonly redis: RedisServer;
  readonly gateways: readonly [GatewayProcess, GatewayProcess];
  /** The proxy in front of both gateways. */
  readonly proxy: ProxyProcess;
  readonly customers: CustomersFile;
  /** Creates a client with the token of a customer's operator, at a gateway or at the proxy. */
  client(at: Address, customer?: CustomerId): Promise<GatewayHttpClient>;
  /** Creates a subscriber that reconnects to the next address after each end. */
  reader(at: readonly Address[], customer?: CustomerId): Promise<StreamReader>;
}

/** Starts Redis, the gateways and the proxy. Acme has users, which both gateways have loaded. */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const customers = await writeCustomersFile(options.customers);
  const redis = await startRedisServer(options.redisSettings, options.redisSurroundings);
  onTestFinished(redis.remove);
  const environment = {
    ...customers.environment,
    REDIS_URL: redis.url,
    TRUSTED_PROXIES: "127.0.0.1",
    ...options.environment,
  };
  const process = { environment, ...(options.program !== undefined && { program: options.program }) };
  const gateways = await Promise.all([startGateway(process), startGateway(process)]);
  const proxy = await startProxy(options.proxy ?? "nginx", [gateways[0].port, gateways[1].port]);
  const client: Cluster["client"] = async (at, customer = "acme") =>
    createGatewayClient({ at, customer, token: await customers.token(customer) });
  const [first, second] = await Promise.all(gateways.map((each) => client(each)));
  if (first) await introduceUsers(first);
  await expect.poll(async () => second?.versions()).toEqual(await first?.versions());
  return {
    redis,
    gateways,
    proxy,
    customers,
    client,
    reader: async (at, customer = "acme") => openStreamReader({ at, customer, token: await customers.token(customer) }),
  };
}
