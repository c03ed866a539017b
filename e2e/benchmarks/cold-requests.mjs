// @ts-check
/** Counts the requests before the first FULFILLED, from the log of a proxy in front of the gateway. Takes no times. */
import { launchBrowser } from "./browser.mjs";
import { pageOfSide, startGateways, visit } from "./cold-pages.mjs";
import { longestChain, startLoggingProxy } from "./request-log.mjs";
import { serveSite } from "./site.mjs";

/** Returns a line for each side. The page itself, from the customer's own server, is one more request. */
export async function describeRequests() {
  const host = await serveSite("localhost");
  const gateways = await startGateways(host.origin);
  const lines = [];
  for (const side of /** @type {const} */ (["floor", "tag", "snippet"])) {
    lines.push(`${side.padEnd(7)} ${await describeVisit(host, side, gateways.originOf(side))}`);
  }
  host.close();
  await gateways.stop();
  return lines.join("\n");
}

/**
 * @param {import("./site.mjs").BenchSite} host
 * @param {import("./cold-pages.mjs").Side} side
 * @param {string} gateway
 */
async function describeVisit(host, side, gateway) {
  const proxy = await startLoggingProxy(gateway);
  const browser = await launchBrowser();
  host.add(`/${side}`, pageOfSide(side, proxy.origin));
  await visit(browser, host, `/${side}`);
  await browser.close();
  proxy.close();
  const chain = longestChain(proxy.requests);
  const paths = proxy.requests.map(({ path }) => path).join(", ");
  return `${proxy.requests.length} to the gateway (${paths}), ${chain.length} of them one after the other`;
}
