// @ts-check
/** `npm start`: builds, then serves the demo page and, at another site, the gateway with the widget. */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { serveDemoSite } from "./demo-site.mjs";
import { startGatewayProcess } from "./gateway-process.mjs";
import "../build.mjs";

let demoPort = 4000;

try {
  demoPort = readPort("DEMO_PORT", demoPort);
  // The demo's site signs its tokens with this secret, as a customer's site would with its own.
  const tokenSecret = process.env["DEMO_TOKEN_SECRET"] || randomBytes(32).toString("base64url");
  const gateway = await startGatewayProcess(
    {
      ALLOWED_ORIGINS: process.env["ALLOWED_ORIGINS"] ?? `http://localhost:${demoPort}`,
      DEMO_TOKEN_SECRET: tokenSecret,
      // A developer who builds again gets the new script with the next page.
      SCRIPT_MAX_AGE_SECONDS: process.env["SCRIPT_MAX_AGE_SECONDS"] ?? "0",
    },
    console.log,
  );
  process.once("SIGINT", () => void stop());
  process.once("SIGTERM", () => void stop());
  const demo = await serveDemoSite({ port: demoPort, gateway, tokenSecret }).catch(async (error) => {
    await gateway.stop();
    throw error;
  });
  console.log(`Demo page at          ${demo.origin}`);
  if (existsSync("docs/.vitepress/dist/index.html")) console.log(`Documentation at      ${demo.origin}/docs/`);

  async function stop() {
    demo.close();
    await gateway.stop();
    process.exit();
  }
} catch (error) {
  console.error(describe(error));
  process.exitCode = 1;
}

/**
 * @param {string} name
 * @param {number} fallback
 */
function readPort(name, fallback) {
  const text = process.env[name];
  if (!text) return fallback;
  if (/^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 65_535) return Number(text);
  throw new Error(`${name}: "${text}" is no port (a whole number from 1 to 65535), for example ${name}=${fallback}`);
}

/** @param {unknown} error */
function describe(error) {
  if (!(error instanceof Error)) return error;
  if ("code" in error && error.code === "EADDRINUSE") {
    return `DEMO_PORT: port ${demoPort} is taken, for example by another "npm start". Use another: DEMO_PORT=4001 npm start`;
  }
  return error.message;
}
