/** The sites that a test talks to, as fixtures for every runner: Playwright and vitest write a fixture alike. */
import { type GatewayProcess, startGatewayProcess } from "../scripts/gateway-process.mjs";
import { AVAILABLE } from "./host-page.ts";
import { type HostSite, startHostSite } from "./host-site.ts";
import { type ScriptedBackend, startScriptedBackend } from "./scripted-backend.ts";

export interface Sites {
  /** The customer's site. */
  readonly host: HostSite;
  /** A backend that allows `host` and answers every call with `AVAILABLE` until a test says otherwise. */
  readonly backend: ScriptedBackend;
  /** The built gateway as a process of its own, which allows `host`. */
  readonly gateway: GatewayProcess;
}

type Use<Value> = (value: Value) => Promise<void>;

export const sites = {
  // biome-ignore lint/correctness/noEmptyPattern: the runners read from the pattern which fixtures this one needs.
  host: async ({}: object, use: Use<HostSite>) => {
    const host = await startHostSite();
    await use(host);
    await host.close();
  },
  backend: async ({ host }: Pick<Sites, "host">, use: Use<ScriptedBackend>) => {
    const backend = await startScriptedBackend({ answers: AVAILABLE, allowedOrigins: [host.origin] });
    await use(backend);
    await backend.close();
  },
  gateway: async ({ host }: Pick<Sites, "host">, use: Use<GatewayProcess>) => {
    const gateway = await startGatewayProcess({ GATEWAY_PORT: "0", ALLOWED_ORIGINS: host.origin }, () => {});
    await use(gateway);
    await gateway.stop();
  },
};
