/** The client as tests have it: over HTTP as ever, to a backend that answers as it is told. */
import { type Mock, onTestFinished, vi } from "vitest";
import { type Answers, type ScriptedBackend, startScriptedBackend } from "../../gateway/test/scripted-backend.ts";
import { createDeadline } from "../../shared/runtime/deadline.ts";
import type { CallOptions, GatewayClient } from "../gateway/gateway-client.ts";
import { createHttpGatewayClient } from "../gateway/http-gateway-client.ts";
import { testSession } from "./test-services.ts";

/** A client, and what it talks to. */
interface SetUp {
  readonly backend: ScriptedBackend;
  readonly gateway: GatewayClient;
  /** How often the page has been asked for a token. */
  readonly asked: Mock;
}

/** A client of a page that gives these tokens in order, the last of them again and again, or none. */
export async function setUpGatewayClient(answers: Answers, tokens: readonly string[] = []): Promise<SetUp> {
  const backend = await startScriptedBackend({ answers, scriptsStream: true });
  onTestFinished(() => backend.close());
  const asked = vi.fn((_event: unknown): Promise<unknown> => {
    const token = tokens[Math.min(asked.mock.calls.length, tokens.length) - 1];
    return Promise.resolve({ type: "HOST.FETCH_TOKEN_FULFILLED", payload: { token } });
  });
  return { backend, gateway: createHttpGatewayClient(new URL("/v1/", backend.origin), testSession(asked)), asked };
}

/** The tokens that calls came with. */
export const authorizations = ({ calls }: ScriptedBackend): unknown =>
  calls.map(({ headers }) => headers.authorization);

/** For a caller that waits for 10 s. */
export function scope(controller = new AbortController()): CallOptions {
  return { signal: controller.signal, deadline: createDeadline(10_000) };
}
