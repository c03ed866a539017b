/** The gateway client for tests: over real HTTP, to a backend with scripted responses. */
import { type Mock, onTestFinished, vi } from "vitest";
import { type Answers, type ScriptedBackend, startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { createDeadline } from "../../shared/runtime/deadline.ts";
import type { CallOptions, GatewayClient } from "../gateway/gateway-client.ts";
import { createHttpGatewayClient } from "../gateway/http-gateway-client.ts";
import { testSession } from "./test-services.ts";

/** A client and its backend. */
interface SetUp {
  readonly backend: ScriptedBackend;
  readonly gateway: GatewayClient;
  /** Calls that request a token from the page. */
  readonly asked: Mock;
}

/** Creates a client of a page that returns these tokens in order and repeats the last; no token by default. */
export async function setUpGatewayClient(answers: Answers, tokens: readonly string[] = []): Promise<SetUp> {
  const backend = await startScriptedBackend({ answers, scriptsStream: true });
  onTestFinished(() => backend.close());
  const asked = vi.fn((_event: unknown): Promise<unknown> => {
    const token = tokens[Math.min(asked.mock.calls.length, tokens.length) - 1];
    return Promise.resolve({ type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token } });
  });
  return { backend, gateway: createHttpGatewayClient(new URL("/v1/", backend.origin), testSession(asked)), asked };
}

/** Returns the `Authorization` header of each call. */
export const authorizations = ({ calls }: ScriptedBackend): unknown =>
  calls.map(({ headers }) => headers.authorization);

/** Creates the options of a call with a deadline of 10 s. */
export function scope(controller = new AbortController()): CallOptions {
  return { signal: controller.signal, deadline: createDeadline(10_000) };
}
