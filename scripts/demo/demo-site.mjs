// @ts-check
/**
 * The demo page's site: the built page, tokens for it, and a switch for its gateway so that one can see what the bridge
 * does without it.
 */
import { readFileSync } from "node:fs";
import { serve } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { mintDemoToken } from "./demo-token.mjs";

/** The gateway's address as it stands in `index.html`. */
const DEFAULT_GATEWAY = "http://127.0.0.1:4100";

/**
 * Serves the demo page at `http://localhost:<port>`; port 0 takes a free one.
 *
 * @param {object} options
 * @param {number} options.port
 * @param {import("./gateway-process.mjs").GatewayProcess} options.gateway
 * @param {string} options.tokenSecret the gateway's `DEMO_TOKEN_SECRET`
 * @returns {Promise<{ origin: string, close: () => void }>}
 */
export async function serveDemoSite({ port, gateway, tokenSecret }) {
  const page = readFileSync("dist/demo/index.html", "utf8").replaceAll(DEFAULT_GATEWAY, gateway.origin);
  const app = new Hono();
  app.get("/", (context) => context.html(page, 200, { "Content-Security-Policy": policy(gateway.origin) }));
  app.on(["GET", "POST"], "/demo/token", async (context) => {
    // A token is for the page that its agent has signed in to, which here is everybody's.
    if (!isOwnPage(context)) return context.body(null, 403);
    return context.json({ token: await mintDemoToken(tokenSecret) }, 200, { "Cache-Control": "no-store" });
  });
  app.post("/demo/operator-token", async (context) => {
    // For a program on this machine, such as `npm run simulate`. A browser says what kind of page asks, and none may.
    if (context.req.header("Sec-Fetch-Site") !== undefined || context.req.header("Origin") !== undefined) {
      return context.body(null, 403);
    }
    const token = await mintDemoToken(tokenSecret, "operator");
    return context.json({ token, gateway: gateway.origin }, 200, { "Cache-Control": "no-store" });
  });
  app.get("/demo/gateway", (context) => context.json({ running: gateway.isRunning() }));
  app.post("/demo/gateway/:action{stop|start}", async (context) => {
    // Other pages in the same browser can post here as well, and have no business stopping a process.
    if (!isOwnPage(context)) return context.body(null, 403);
    await (context.req.param("action") === "stop" ? gateway.stop() : gateway.start());
    return context.json({ running: gateway.isRunning() });
  });
  app.use("/assets/*", serveStatic({ root: "dist/demo" }));
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: "localhost" }, ({ port: taken }) => {
      resolve({ origin: `http://localhost:${taken}`, close: () => server.close() });
    });
    server.on("error", reject);
  });
}

/**
 * Whether a page of this very site asks, as its browser says.
 *
 * @param {import("hono").Context} context
 */
function isOwnPage(context) {
  return context.req.header("Sec-Fetch-Site") === "same-origin";
}

/** @param {string} gateway */
function policy(gateway) {
  return [
    "default-src 'none'",
    `script-src 'self' ${gateway}`,
    "style-src 'self'",
    "img-src data:",
    "connect-src 'self'",
    `frame-src ${gateway}`,
    "base-uri 'none'",
    "form-action 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
}
