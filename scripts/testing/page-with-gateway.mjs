// @ts-check
/** Serves a page at `localhost` with the built gateway behind it, for commands that run outside of Playwright's test runner. */
import { createServer } from "node:http";
import { mintDemoToken } from "../demo/demo-token.mjs";
import { startGatewayProcess } from "../demo/gateway-process.mjs";

const SECRET = "a secret of the test, of 32 characters or more";

/**
 * Starts a server for the page, and a gateway that allows its origin.
 *
 * @param {(request: import("node:http").IncomingMessage, response: import("node:http").ServerResponse) => void} answer
 */
export async function servePageWithGateway(answer) {
  const server = createServer(answer);
  await new Promise((resolve) => server.listen(0, "localhost", () => resolve(undefined)));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("The page's server has no port");
  const site = `http://localhost:${address.port}`;
  const settings = { GATEWAY_PORT: "0", ALLOWED_ORIGINS: site, DEMO_TOKEN_SECRET: SECRET };
  const gateway = await startGatewayProcess(settings, () => {});
  return {
    /** Origin of the page. */
    site,
    /** Origin of the gateway. */
    gateway: gateway.origin,
    /** Issues a token for the page. */
    mintToken: () => mintDemoToken(SECRET),
    /**
     * Sets the status of agent 123.
     *
     * @param {string} status
     */
    async setStatus(status) {
      const authorization = `Bearer ${await mintDemoToken(SECRET, "operator")}`;
      const response = await fetch(`${gateway.origin}/v1/users/123/availability`, {
        method: "PUT",
        headers: { authorization, "content-type": "application/json" },
        body: JSON.stringify({ status }),
      });
      if (!response.ok) throw new Error(`The gateway rejected the change, with status ${response.status}`);
    },
    async close() {
      await gateway.stop();
      server.close();
      server.closeAllConnections();
    },
  };
}
