// @ts-check
/**
 * The demo page's site: the built page, tokens for the page, a switch for the gateway and a proxy with faults before it, to show how the bridge
 * behaves without a sound backend.
 */
import { existsSync, readFileSync } from "node:fs";
import { serve } from "@hono/node-server";
import { serveStatic } from "@hono/node-server/serve-static";
import { Hono } from "hono";
import { mintDemoToken } from "./demo-token.mjs";
import { FAULTS, startFaultyProxy } from "./faulty-proxy.mjs";

/** The built documentation, if `npm run docs:build` has run. */
const DOCS = "docs/.vitepress/dist";

/** The gateway's address in `index.html`. */
const DEFAULT_GATEWAY = "http://127.0.0.1:4100";

/**
 * Serves the demo page at `http://localhost:<port>`; port 0 picks a free port.
 *
 * @param {object} options
 * @param {number} options.port
 * @param {import("./gateway-process.mjs").GatewayProcess} options.gateway
 * @param {string} options.tokenSecret the gateway's `DEMO_TOKEN_SECRET`
 * @returns {Promise<{ origin: string, close: () => void }>}
 */
export async function serveDemoSite({ port, gateway, tokenSecret }) {
  const proxy = await startFaultyProxy(gateway.origin);
  const page = readFileSync("dist/demo/index.html", "utf8").replaceAll(DEFAULT_GATEWAY, proxy.origin);
  const app = new Hono();
  app.get("/", (context) =>
    context.html(page, 200, { "Content-Security-Policy": contentSecurityPolicy(proxy.origin) }),
  );
  app.on(["GET", "POST"], "/demo/token", async (context) => {
    // Tokens are for signed-in agents only. The demo has no sign-in, so every visitor of the page gets a token.
    if (!isOwnPage(context)) return context.body(null, 403);
    return context.json({ token: await mintDemoToken(tokenSecret) }, 200, { "Cache-Control": "no-store" });
  });
  app.post("/demo/operator-token", async (context) => {
    // For programs on this machine, such as `npm run simulate`. Browsers send these headers, and no page may have an
    // operator's token.
    if (context.req.header("Sec-Fetch-Site") !== undefined || context.req.header("Origin") !== undefined) {
      return context.body(null, 403);
    }
    const token = await mintDemoToken(tokenSecret, "operator");
    return context.json({ token, gateway: gateway.origin }, 200, { "Cache-Control": "no-store" });
  });
  app.get("/demo/gateway", (context) => context.json({ running: gateway.isRunning() }));
  app.post("/demo/gateway/:action{stop|start}", async (context) => {
    // Pages of other sites in the same browser can post here too, but must not stop a process.
    if (!isOwnPage(context)) return context.body(null, 403);
    await (context.req.param("action") === "stop" ? gateway.stop() : gateway.start());
    return context.json({ running: gateway.isRunning() });
  });
  app.get("/demo/fault", (context) => context.json({ fault: proxy.fault() }));
  app.post("/demo/fault/:fault", async (context) => {
    const fault = context.req.param("fault");
    if (!isOwnPage(context)) return context.body(null, 403);
    if (!FAULTS.includes(fault)) return context.body(null, 404);
    proxy.setFault(/** @type {import("./faulty-proxy.mjs").Fault} */ (fault));
    return context.json({ fault });
  });
  app.use("/assets/*", serveStatic({ root: "dist/demo" }));
  app.get("/docs", (context) => context.redirect("/docs/"));
  app.use(
    "/docs/*",
    serveStatic({
      root: DOCS,
      rewriteRequestPath: (path) => path.replace(/^\/docs/, ""),
      onFound: (_path, context) => {
        // Each page carries the rest of its policy; a page cannot say itself who may frame it.
        context.header("Content-Security-Policy", "frame-ancestors 'self'");
        context.header("X-Content-Type-Options", "nosniff");
      },
    }),
  );
  app.get("/docs/*", (context) => {
    const page = `${DOCS}/404.html`;
    if (!existsSync(page)) return context.text("The documentation is not built: run `npm run docs:build`.\n", 404);
    return context.html(readFileSync(page, "utf8"), 404);
  });
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname: "localhost" }, ({ port: assigned }) => {
      resolve({
        origin: `http://localhost:${assigned}`,
        close() {
          server.close();
          proxy.close();
        },
      });
    });
    server.on("error", (error) => {
      proxy.close();
      reject(error);
    });
  });
}

/**
 * True if the request comes from a page of this site, according to the browser.
 *
 * @param {import("hono").Context} context
 */
function isOwnPage(context) {
  return context.req.header("Sec-Fetch-Site") === "same-origin";
}

/** @param {string} gateway */
function contentSecurityPolicy(gateway) {
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
