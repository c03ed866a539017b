/** Runs the fake of the telephony vendor's API as a separate process of a test. */
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { findFreePort } from "../../../scripts/testing/local-server.ts";
import type { Fault } from "../fake-upstream/faults.ts";
import type { LoggedRequest } from "../fake-upstream/request-log.ts";
import { startProcess } from "./running-process.ts";

export interface FakeUpstreamProcess {
  readonly origin: string;
  /** The fake's credentials, as in a gateway's environment. */
  readonly environment: Readonly<Record<string, string>>;
  /** A customer's `upstream`, as in `gateway.config.json`. By default, the budget is so high that no test waits for a poll. */
  settings(changes?: {
    readonly requestsPerMinute?: number;
    readonly baseUrl?: string;
  }): Readonly<Record<string, unknown>>;
  /** Sets or clears the fault. */
  setFault(fault: Fault | undefined): Promise<void>;
  /** Changes an agent, as in the vendor's own programs. */
  setAvailability(userId: number, availability: string): Promise<void>;
  /** Number of received requests. */
  requestCount(): Promise<number>;
  /** The last received requests, oldest first. */
  requests(): Promise<readonly LoggedRequest[]>;
}

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

const CREDENTIALS = { apiId: "fake-id", apiToken: "fake-token" };

/** Starts a fake with the given number of agents, with ids from 1, and resolves when the fake responds. */
export async function startFakeUpstream(users: number): Promise<FakeUpstreamProcess> {
  const port = await findFreePort();
  const controlPort = await findFreePort();
  const control = `http://127.0.0.1:${controlPort}`;
  const { output } = startProcess({
    program: process.execPath,
    arguments: ["scripts/demo/fake-upstream.mjs"],
    directory: ROOT,
    environment: {
      FAKE_UPSTREAM_PORT: `${port}`,
      FAKE_UPSTREAM_CONTROL_PORT: `${controlPort}`,
      FAKE_UPSTREAM_USERS: `${users}`,
      FAKE_UPSTREAM_API_ID: CREDENTIALS.apiId,
      FAKE_UPSTREAM_API_TOKEN: CREDENTIALS.apiToken,
      FAKE_UPSTREAM_REQUESTS_PER_MINUTE: "100000",
    },
  });
  await expect.poll(() => output.join("\n")).toContain(control);

  async function tell(method: string, path: string, body?: unknown): Promise<void> {
    const init = body === undefined ? {} : { body: JSON.stringify(body) };
    const { status } = await fetch(`${control}${path}`, { method, ...init });
    if (status !== 204) throw new Error(`The fake answered ${method} ${path} with ${status}`);
  }

  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    environment: { FAKE_API_ID: CREDENTIALS.apiId, FAKE_API_TOKEN: CREDENTIALS.apiToken },
    settings: ({ requestsPerMinute = 6000, baseUrl = origin } = {}) => {
      return { kind: "aircall", baseUrl, apiId: "${FAKE_API_ID}", apiToken: "${FAKE_API_TOKEN}", requestsPerMinute };
    },
    setFault: (fault) => (fault ? tell("PUT", "/fault", fault) : tell("DELETE", "/fault")),
    setAvailability: (userId, availability) => tell("PUT", `/users/${userId}`, { availability }),
    async requests() {
      const response = await fetch(`${control}/requests`);
      return ((await response.json()) as { readonly requests: readonly LoggedRequest[] }).requests;
    },
    async requestCount() {
      const response = await fetch(`${control}/requests`);
      return ((await response.json()) as { readonly count: number }).count;
    },
  };
}
