/** A customer, or one of its agents, takes what it can get: nobody else notices. */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { Agent, type IncomingMessage, request } from "node:http";
import { connect, type Socket } from "node:net";
import { text } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { findFreePort } from "../../../scripts/testing/local-server.ts";
import { type CustomersFile, writeCustomersFile } from "./customers-file.ts";
import { createGatewayClient } from "./gateway-client.ts";
import { type GatewayProcess, startGateway } from "./gateway-process.ts";
import { openStreamReader } from "./stream-reader.ts";

const DEFAULTS = { requestsPerMinutePerSubject: 600, requestsPerMinute: 60_000, streams: 5000, streamsPerSubject: 20 };

interface Setup {
  readonly gateway: GatewayProcess;
  readonly customers: CustomersFile;
}

interface SetupOptions {
  /** Limits of `globex`, the noisy customer. */
  readonly limits?: Partial<typeof DEFAULTS>;
  readonly environment?: Readonly<Record<string, string>>;
}

async function setUp({ limits, environment }: SetupOptions = {}): Promise<Setup> {
  const customers = await writeCustomersFile({ globex: { limits: { ...DEFAULTS, ...limits } } });
  return { gateway: await startGateway({ environment: { ...customers.environment, ...environment } }), customers };
}

/** Adds so many agents, with the ids from `first`. */
async function addAgents(
  { gateway, customers }: Setup,
  customer: "acme" | "globex",
  count: number,
  first = 1,
): Promise<void> {
  // Each client has a connection of its own.
  const clients = await Promise.all(
    Array.from({ length: 10 }, async (_, index) => {
      const token = await customers.token(customer, `${index}`);
      return createGatewayClient({ at: gateway, customer, token });
    }),
  );
  await Promise.all(
    clients.map(async ({ setStatus }, index) => {
      for (let userId = first + index; userId < first + count; userId += clients.length) {
        expect(await setStatus(userId, "available")).toMatchObject({ status: 201 });
      }
    }),
  );
}

interface Reply {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly body: string;
}

/** Creates a client with so many connections, which it keeps. */
function createClient({ origin }: GatewayProcess, connections: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  onTestFinished(() => agent.destroy());
  return (path: string, headers: Readonly<Record<string, string>> = {}): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const sent = request(origin + path, { agent, headers }, (response: IncomingMessage) => {
        text(response).then(
          (body) => resolve({ status: response.statusCode ?? 0, retryAfter: response.headers["retry-after"], body }),
          reject,
        );
      });
      sent.on("error", reject).end();
    });
}

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

/** Counts the replies by status. */
function countStatuses(replies: readonly Pick<Reply, "status">[]): Record<number, number> {
  const counts: Record<number, number> = {};
  for (const { status } of replies) counts[status] = (counts[status] ?? 0) + 1;
  return counts;
}

test("answers another customer's read before the lists that came first", async () => {
  const setup = await setUp({ limits: { requestsPerMinutePerSubject: 1_000_000 } });
  await addAgents(setup, "globex", 2_000);
  await addAgents(setup, "acme", 1);
  const { gateway, customers } = setup;
  const list = bearer(await customers.agentToken("globex", 7));
  const read = bearer(await customers.agentToken("acme", 1));
  const [lists, calm] = [createClient(gateway, 60), createClient(gateway, 1)];
  // The connections are open, the tokens known, and no list is encoded yet that holds the change.
  await Promise.all(Array.from({ length: 60 }, () => lists("/c/globex/v1/users/1/availability", list)));
  await calm("/c/acme/v1/users/1/availability", read);

  const order: string[] = [];
  process.kill(gateway.pid(), "SIGSTOP");
  const replies = Array.from({ length: 60 }, async () => {
    const { status } = await lists("/c/globex/v1/availabilities", list);
    order.push(`list ${status}`);
  });
  const reply = calm("/c/acme/v1/users/1/availability", read).then(({ status }) => order.push(`read ${status}`));
  // The requests are in the gateway's sockets.
  for (let turns = 0; turns < 10; turns += 1) await new Promise(setImmediate);
  process.kill(gateway.pid(), "SIGCONT");
  await Promise.all([...replies, reply]);
  expect(order.filter((each) => each === "list 200")).toHaveLength(60);
  expect(order.indexOf("read 200")).toBeLessThan(5);
});

test("accepts of 600 lists at once those of ten seconds, and says of the others which limit they exceed", async () => {
  const setup = await setUp({ limits: { requestsPerMinutePerSubject: 60 } });
  await addAgents(setup, "acme", 1);
  const { gateway, customers } = setup;
  const noisy = bearer(await customers.agentToken("globex", 7));
  const send = createClient(gateway, 60);
  const replies = await Promise.all(Array.from({ length: 600 }, () => send("/c/globex/v1/availabilities", noisy)));
  const { 200: accepted = 0, 429: limited = 0 } = countStatuses(replies);
  expect(accepted + limited).toBe(600);
  // Ten, and one for each second that the machine needed.
  expect(accepted).toBeGreaterThanOrEqual(10);
  expect(accepted).toBeLessThan(100);
  const rejected = replies.find(({ status }) => status === 429);
  expect(Number(rejected?.retryAfter)).toBe(1);
  expect(JSON.parse(rejected?.body ?? "")).toMatchObject({
    detail: "At most 60 requests a minute are allowed for one subject, with all its tokens, at each gateway",
  });
  const colleague = bearer(await customers.agentToken("globex", 8));
  expect(await send("/c/globex/v1/availabilities", colleague)).toMatchObject({ status: 200 });
});

test("makes the reader of a long list wait for what it cost, and no colleague", async () => {
  // One request at once, and the next after ten seconds.
  const { gateway, customers } = await setUp({ limits: { requestsPerMinutePerSubject: 6 } });
  const send = createClient(gateway, 1);
  const named = Array.from({ length: 500 }, (_, index) => index + 1).join();
  const noisy = bearer(await customers.agentToken("globex", 7));
  expect(await send(`/c/globex/v1/availabilities?userIds=${named}`, noisy)).toMatchObject({ status: 200 });
  const next = await send("/c/globex/v1/availabilities?userIds=1", noisy);
  expect(next.status).toBe(429);
  // Eleven requests have been made, of which the first was free.
  expect(Number(next.retryAfter)).toBeGreaterThan(60);
  const colleague = bearer(await customers.agentToken("globex", 8));
  expect(await send("/c/globex/v1/availabilities?userIds=1", colleague)).toMatchObject({ status: 200 });
});

/** Requests a list on a connection of its own, of which it reads the head alone. */
async function openUnreadList({ origin }: GatewayProcess, token: string) {
  const { hostname, port } = new URL(origin);
  const socket = connect(Number(port), hostname).on("error", () => {});
  onTestFinished(() => void socket.destroy());
  const authorization = `Authorization: Bearer ${token}`;
  socket.write(`GET /c/globex/v1/availabilities HTTP/1.1\r\nHost: localhost\r\n${authorization}\r\n\r\n`);
  const [head]: Buffer[] = await once(socket, "data");
  socket.pause();
  const [, status] = /^HTTP\/1\.1 (\d+)/.exec(String(head)) ?? [];
  return { status: Number(status), retryAfter: /^Retry-After: (\d+)/im.exec(String(head))?.[1], socket };
}

/** Reads the memory of a process, in MiB. */
async function readMemory(pid: number): Promise<number> {
  const [, kibibytes] = /^VmRSS:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, "utf8")) ?? [];
  return Number(kibibytes) / 1024;
}

test.skipIf(process.platform !== "linux")(
  "holds few long lists whose reader does not read, each of another version, and serves the next customer",
  async () => {
    const setup = await setUp({
      limits: { requestsPerMinutePerSubject: 10_000_000, requestsPerMinute: 10_000_000 },
    });
    const { gateway, customers } = setup;
    // A list of five megabytes: the system itself takes four of an unread one.
    const first = 9_000_000_000_000_001;
    await addAgents(setup, "globex", 32_000, first);
    await addAgents(setup, "acme", 1);
    const [noisy, calm] = [await customers.agentToken("globex", 7), bearer(await customers.agentToken("acme", 1))];
    const writer = createGatewayClient({ at: gateway, customer: "globex", token: await customers.token("globex") });
    const send = createClient(gateway, 1);
    const open: Socket[] = [];
    let sent = 0;
    const openNext = async () => {
      sent += 1;
      await writer.setStatus(first, sent % 2 === 0 ? "available" : "do_not_disturb");
      // The gateway reads a token that is new, and knows the other one.
      const token = sent % 2 === 0 ? noisy : await customers.agentToken("globex", 7, `${sent}`);
      const list = await openUnreadList(gateway, token);
      if (list.status === 200) open.push(list.socket);
      expect(await send("/c/acme/v1/users/1/availability", calm)).toMatchObject({ status: 200 });
      return list;
    };
    await openNext();
    const before = await readMemory(gateway.pid());
    // A list counts once it has waited for a second.
    await expect.poll(async () => (await openNext()).status, { interval: 200, timeout: 10_000 }).toBe(429);
    for (let count = 0; count < 60; count += 1)
      expect(await openNext()).toMatchObject({ status: 429, retryAfter: "10" });
    expect((await readMemory(gateway.pid())) - before).toBeLessThan(150);
    const colleague = bearer(await customers.agentToken("globex", 8));
    expect(await send("/c/globex/v1/availabilities", colleague)).toMatchObject({ status: 200 });
    // A short list is served, and a long one again after the connections are closed.
    expect(await send("/c/globex/v1/availabilities?userIds=1", bearer(noisy))).toMatchObject({ status: 200 });
    for (const socket of open) socket.destroy();
    await expect.poll(() => send("/c/globex/v1/availabilities", bearer(noisy))).toMatchObject({ status: 200 });
  },
);

test("gives ten tokens of one agent one limit, for requests and for streams", async () => {
  const { gateway, customers } = await setUp({ limits: { requestsPerMinutePerSubject: 60, streamsPerSubject: 3 } });
  const tokens = await Promise.all(
    Array.from({ length: 10 }, (_, index) => customers.agentToken("globex", 7, `${index}`)),
  );
  const streams = tokens.map((token) => openStreamReader({ at: [gateway], customer: "globex", token }));
  await expect.poll(() => streams.filter(({ isOpen }) => isOpen()).length).toBe(3);
  await expect.poll(() => streams.filter(({ refusals }) => refusals().length > 0).length).toBe(7);
  expect(new Set(streams.flatMap(({ refusals }) => refusals()))).toEqual(new Set([429]));
  const send = createClient(gateway, 10);
  const replies = await Promise.all(
    Array.from({ length: 200 }, (_, index) =>
      send("/c/globex/v1/users/1/availability", bearer(tokens[index % tokens.length] ?? "")),
    ),
  );
  expect(countStatuses(replies)[429]).toBeGreaterThan(150);
  const colleague = await customers.agentToken("globex", 8);
  const calm = openStreamReader({ at: [gateway], customer: "globex", token: colleague });
  await expect.poll(calm.isCurrent).toBe(true);
  expect(calm.refusals()).toEqual([]);
});

test("leaves connections for another customer's streams and for requests", async () => {
  const { gateway, customers } = await setUp({
    environment: { MAX_CONNECTIONS: "60" },
    limits: { streamsPerSubject: 200 },
  });
  const [noisy, calm] = await Promise.all([customers.agentToken("globex", 7), customers.agentToken("acme", 1)]);
  const send = createClient(gateway, 1);
  const flood = Array.from({ length: 30 }, () => openStreamReader({ at: [gateway], customer: "globex", token: noisy }));
  const open = (readers: typeof flood) => readers.filter(({ isOpen }) => isOpen()).length;
  // Of 48 places for streams as many as are left.
  await expect.poll(() => open(flood)).toBe(24);
  const colleagues = Array.from({ length: 10 }, () =>
    openStreamReader({ at: [gateway], customer: "acme", token: calm }),
  );
  await expect.poll(() => open(colleagues)).toBe(10);
  expect(await send("/c/acme/v1/users/1/availability", bearer(calm))).toMatchObject({ status: 404 });
  expect(open(flood)).toBe(24);
});

test("answers health checks while other clients have all connections, and closes theirs", async () => {
  const { gateway, customers } = await setUp({ environment: { MAX_CONNECTIONS: "40" } });
  const token = await customers.agentToken("acme", 1);
  const idle: Socket[] = [];
  onTestFinished(() => idle.forEach((socket) => void socket.destroy()));
  const { hostname, port } = new URL(gateway.origin);
  // All but the four for health checks.
  for (let count = 0; count < 36; count += 1) {
    const socket = connect(Number(port), hostname);
    idle.push(socket.on("error", () => {}));
    // A connection without a request would be closed soon.
    socket.write("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
    await new Promise((resolve) => void socket.once("data", resolve));
  }
  const send = createClient(gateway, 1);
  await expect.poll(() => send("/c/acme/v1/users/1/availability", bearer(token)).catch(() => "closed")).toBe("closed");
  for (let count = 0; count < 10; count += 1) {
    expect(await createClient(gateway, 1)("/healthz")).toMatchObject({ status: 200 });
  }
  for (const socket of idle.splice(0, 10)) socket.destroy();
  await expect
    .poll(() => send("/c/acme/v1/users/1/availability", bearer(token)).catch(() => "closed"))
    .toMatchObject({ status: 404 });
});

test.each([
  ["127.0.0.1", false],
  // Everybody has the proxy's address.
  ["192.0.2.0/24", true],
])(
  "limits requests with bad tokens by the address that a proxy at 127.0.0.1 forwards, with TRUSTED_PROXIES=%s",
  async (proxies, isOneAddress) => {
    const adminPort = await findFreePort();
    const { gateway, customers } = await setUp({
      environment: { TRUSTED_PROXIES: proxies, LOG_LEVEL: "info", GATEWAY_ADMIN_PORT: `${adminPort}` },
    });
    const send = createClient(gateway, 20);
    const from = (address: string, token: string) =>
      send("/c/acme/v1/users/1/availability", { ...bearer(token), "X-Forwarded-For": `203.0.113.9, ${address}` });
    const replies = await Promise.all(Array.from({ length: 1_000 }, () => from("198.51.100.1", "a.b.c")));
    const { 401: refused = 0, 429: limited = 0 } = countStatuses(replies);
    expect(refused + limited).toBe(1_000);
    // A hundred, and ten for each second that the machine needed.
    expect(refused).toBeGreaterThanOrEqual(100);
    expect(limited).toBeGreaterThan(0);
    expect(JSON.parse(replies.find(({ status }) => status === 429)?.body ?? "").detail).toMatch(
      /^At most 600 requests/,
    );
    const good = await customers.agentToken("acme", 1);
    // The office's good tokens are served.
    expect(await from("198.51.100.1", good)).toMatchObject({ status: 404 });
    // Three hundred others, with a request each.
    const addresses = Array.from({ length: 300 }, (_, index) => `198.${18 + (index >> 8)}.${index & 255}.2`);
    const sent = await Promise.all(addresses.map((address) => from(address, "a.b.c")));
    expect(sent.some(({ status }) => status === 429)).toBe(isOneAddress);
    const posted = await Promise.all(addresses.map((address) => postWebhook(gateway, address)));
    expect(posted.some(({ status }) => status === 429)).toBe(isOneAddress);
    expect((await from("198.51.100.2", good)).status).toBe(404);
    // Changes with a token that may only read, of which each would be in the audit.
    const changed = await Promise.all(Array.from({ length: 200 }, () => putStatus(gateway, good)));
    // No flood fills the disk.
    const {
      401: unauthorized,
      403: forbidden,
      429: flood,
    } = countStatuses([...replies, ...sent, ...posted, ...changed]);
    const countLines = (message: string, status: number) =>
      gateway.lines().filter((line) => line.includes(`"status":${status},`) && line.endsWith(`"msg":"${message}"}`))
        .length;
    await expect.poll(() => countLines("request", 403)).toBe(forbidden);
    expect([countLines("request", 401), countLines("request", 404)]).toEqual([unauthorized, 2]);
    expect([countLines("request", 429), countLines("audit", 429)]).toEqual([0, 0]);
    const metrics = await fetch(`http://127.0.0.1:${adminPort}/metrics`);
    expect(await metrics.text()).toContain(
      `gateway_requests_limited_total{customer="acme",limit="refused"} ${flood}\n`,
    );
  },
);

/** Sends a change from the address of the first flood. */
async function putStatus({ origin }: GatewayProcess, token: string): Promise<{ readonly status: number }> {
  const response = await fetch(`${origin}/c/acme/v1/users/1/availability`, {
    method: "PUT",
    headers: { ...bearer(token), "X-Forwarded-For": "198.51.100.1", "Content-Type": "application/json" },
    body: JSON.stringify({ status: "available" }),
  });
  await response.text();
  return response;
}

/** Posts a webhook with a wrong secret. */
async function postWebhook({ origin }: GatewayProcess, address: string): Promise<{ readonly status: number }> {
  const response = await fetch(`${origin}/c/acme/v1/upstream/webhook`, {
    method: "POST",
    headers: { "X-Forwarded-For": address },
    body: JSON.stringify({ resource: "user", event: "user.opened", token: "guess", data: {} }),
  });
  await response.text();
  return response;
}
