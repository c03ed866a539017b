/** A fake of the vendor's API that many customers share in this process, and that knows which gateway polls which customer. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

export interface PolledApi {
  /** Address of the API for a gateway, by whose name the requests are told apart. */
  baseUrl(gateway: string): string;
  /** Returns by gateway the number of customers whose last poll was the gateway's. */
  shares(): Readonly<Record<string, number>>;
  /** Forgets all polls until now. */
  forget(): void;
  /** Polls of a customer by a gateway while a poll by another gateway was in progress. */
  readonly overlaps: readonly string[];
}

/** Time that the API takes for a response, in milliseconds, so that simultaneous requests overlap. */
const RESPONSE_MS = 20;

const LIST = JSON.stringify({
  users: [{ id: 1, availability: "available" }],
  meta: { current_page: 1, next_page_link: null },
});

/** Starts the fake. The id of the API key is the customer's id. */
export async function startFakePolledApi(): Promise<PolledApi> {
  const lastPolls = new Map<string, string>();
  const active = new Map<string, string>();
  const overlaps: string[] = [];
  const server = createServer((request, response) => {
    const [, gateway = ""] = (request.url ?? "").split("/");
    const credentials = (request.headers.authorization ?? "").replace("Basic ", "");
    const [customer = ""] = Buffer.from(credentials, "base64").toString().split(":");
    lastPolls.set(customer, gateway);
    const other = active.get(customer);
    if (other !== undefined && other !== gateway) overlaps.push(`${customer}: ${other} and ${gateway}`);
    active.set(customer, gateway);
    response.once("close", () => {
      if (active.get(customer) === gateway) active.delete(customer);
    });
    setTimeout(() => response.setHeader("Content-Type", "application/json").end(LIST), RESPONSE_MS);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    server.closeAllConnections();
  });
  const { port } = server.address() as AddressInfo;
  return {
    baseUrl: (gateway) => `http://127.0.0.1:${port}/${gateway}`,
    shares() {
      const shares: Record<string, number> = {};
      for (const gateway of lastPolls.values()) shares[gateway] = (shares[gateway] ?? 0) + 1;
      return shares;
    },
    forget: () => lastPolls.clear(),
    overlaps,
  };
}
