/** Two customers of a gateway process, from their own pages down to their own users, with tokens. */
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Page } from "@playwright/test";
import { SignJWT } from "jose";
import { startGatewayProcess } from "../../scripts/demo/gateway-process.mjs";
import { ASK_123, connectorPage, expect, rejectedBy } from "../fixtures/fixtures.ts";
import type { HostSite } from "../fixtures/host-site.ts";
import { test as withSites } from "../fixtures/kept-page.ts";

interface Customers {
  /** The gateway's address. Acme's pages are on `host`, Globex's on `foreign`. */
  readonly gateway: string;
  /** Signs a token of a customer, for a user or for the operator. */
  mint(customer: "acme" | "globex", subject: string): Promise<string>;
}

const test = withSites.extend<{ readonly customers: Customers }>({
  customers: async ({ host, foreign }, use) => {
    const secrets = { acme: randomBytes(32).toString("base64url"), globex: randomBytes(32).toString("base64url") };
    const directory = await mkdtemp(path.join(tmpdir(), "customers-"));
    const file = path.join(directory, "gateway.config.json");
    await writeFile(file, JSON.stringify({ customers: [describe("acme", host), describe("globex", foreign)] }));
    const gateway = await startGatewayProcess(
      { GATEWAY_PORT: "0", GATEWAY_CONFIG: file, ACME_SECRET: secrets.acme, GLOBEX_SECRET: secrets.globex },
      () => {},
    );
    const mint: Customers["mint"] = (customer, subject) =>
      new SignJWT({ customer, scope: "availability:read availability:write" })
        .setProtectedHeader({ alg: "HS256" })
        .setIssuer(customer)
        .setAudience("gateway")
        .setSubject(subject)
        .setExpirationTime("5 minutes")
        .sign(Buffer.from(secrets[customer]));
    await setStatus(`${gateway.origin}/c/acme`, await mint("acme", "operator"), "out_for_lunch");
    await setStatus(`${gateway.origin}/c/globex`, await mint("globex", "operator"), "doing_back_office");
    await use({ gateway: gateway.origin, mint });
    await gateway.stop();
    await rm(directory, { recursive: true });
  },
});

function describe(id: string, { origin }: HostSite): object {
  const tokens = { algorithm: "HS256", issuer: id, audience: "gateway", secret: `\${${id.toUpperCase()}_SECRET}` };
  return { id, allowedOrigins: [origin], tokens };
}

async function setStatus(base: string, token: string, status: string): Promise<void> {
  const answer = await fetch(`${base}/v1/users/123/availability`, {
    method: "PUT",
    headers: { Authorization: `Bearer ${token}`, "Content-Type": "application/json" },
    body: JSON.stringify({ status }),
  });
  expect(answer.status).toBe(201);
}

/**
 * Sends a request for user 123 from a page of the site, with the widget at the given address and the given token, if
 * any.
 */
async function ask(page: Page, site: HostSite, src: string, token?: string): Promise<unknown> {
  await page.goto(site.serve(connectorPage()));
  return page.evaluate(
    ([event, address, given]) => {
      const fetchToken = given === undefined ? {} : { fetchToken: () => given };
      const connector = window.connect({ src: address, handshakeTimeoutMs: 3_000, ...fetchToken });
      return connector.dispatch(event);
    },
    [ASK_123, src, token] as const,
  );
}

const fulfilledWith = (status: string) => ({
  type: `${ASK_123.type}_FULFILLED`,
  payload: { userId: 123, status, version: expect.any(Number) },
});

/** The gateway's response to a page with an invalid token. */
const UNAUTHORIZED = {
  type: `${ASK_123.type}_REJECTED`,
  payload: {
    error: { type: "about:blank", title: "Unauthorized", status: 401, detail: "This call needs a valid token" },
  },
  meta: { source: "backend", status: 401 },
};

test("each customer's page reads its own users from its own widget", async ({ page, host, foreign, customers }) => {
  const { gateway, mint } = customers;
  const acme = await mint("acme", "123");
  expect(await ask(page, host, `${gateway}/c/acme/widget/`, acme)).toEqual(fulfilledWith("out_for_lunch"));
  const globex = await mint("globex", "7");
  expect(await ask(page, foreign, `${gateway}/c/globex/widget/`, globex)).toEqual(fulfilledWith("doing_back_office"));
});

test("an address without a customer is the first customer's", async ({ page, host, customers }) => {
  const token = await customers.mint("acme", "123");
  expect(await ask(page, host, `${customers.gateway}/widget/`, token)).toEqual(fulfilledWith("out_for_lunch"));
});

test("a page without a token, or with another customer's, gets the gateway's own response", async ({
  page,
  host,
  customers,
}) => {
  const src = `${customers.gateway}/c/acme/widget/`;
  expect(await ask(page, host, src)).toEqual(UNAUTHORIZED);
  expect(await ask(page, host, src, await customers.mint("globex", "123"))).toEqual(UNAUTHORIZED);
});

test("the browser does not show a customer's widget to another customer's page", async ({
  page,
  foreign,
  customers,
}) => {
  const token = await customers.mint("acme", "123");
  const settlement = await ask(page, foreign, `${customers.gateway}/c/acme/widget/`, token);
  expect(settlement).toEqual(rejectedBy("WIDGET_UNAVAILABLE"));
});

test("the script tag of a customer's address leads to that customer, with the page's own token", async ({
  page,
  foreign,
  customers,
}) => {
  const { gateway, mint } = customers;
  const tokenUrl = foreign.serve(JSON.stringify({ token: await mint("globex", "7") }), {
    "content-type": "application/json",
  });
  const tag = `<script async src="${gateway}/c/globex/embed.js" data-token-url="${new URL(tokenUrl).pathname}"></script>`;
  await page.goto(foreign.serve(`<!doctype html><title>Globex</title>${tag}`));
  const settlement = await page.evaluate(
    (event) =>
      new Promise((resolve) => {
        window.availabilityBridge ??= [];
        window.availabilityBridge.push((connector) => connector.dispatch(event).then(resolve));
      }),
    ASK_123,
  );
  expect(settlement).toEqual(fulfilledWith("doing_back_office"));
});
