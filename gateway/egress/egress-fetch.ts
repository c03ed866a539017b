import type { ProxySettings } from "./proxy-settings.ts";

/**
 * Creates the `fetch` for calls of the gateway, through the proxies if there are any. Node's own `fetch` ignores the variables in Node 20,
 * and takes no agent of another release of undici.
 */
export async function createEgressFetch(proxies: ProxySettings | undefined): Promise<typeof fetch> {
  if (!proxies) return globalThis.fetch;
  // Half a megabyte of code that most gateways do not need.
  const { EnvHttpProxyAgent, fetch: undiciFetch } = await import("undici");
  const { httpsProxy, httpProxy, noProxy } = proxies;
  const dispatcher = new EnvHttpProxyAgent({
    // An empty text stands for no proxy. Without it the agent would read the process's environment.
    httpsProxy: httpsProxy ?? "",
    httpProxy: httpProxy ?? "",
    noProxy,
  });
  return async (input, { method, headers, body, redirect, signal } = {}) => {
    if (input instanceof Request || (body && typeof body !== "string"))
      throw new TypeError("A call through a proxy has an address, and text or nothing as its body");
    const response = await undiciFetch(input, {
      dispatcher,
      ...(method !== undefined && { method }),
      ...(headers !== undefined && { headers: [...new Headers(headers)] }),
      ...(typeof body === "string" && { body }),
      ...(redirect !== undefined && { redirect }),
      ...(signal && { signal }),
    });
    return response;
  };
}
