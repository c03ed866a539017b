/** A client of a gateway, or of the proxy in front of several gateways. */
import { once } from "node:events";
import { type ClientRequest, type IncomingMessage, Agent as PlainAgent, request as requestPlainly } from "node:http";
import { Agent, type RequestOptions, request } from "node:https";
import * as v from "valibot";
import { onTestFinished } from "vitest";
import { Availability } from "../../../shared/contracts/availability.ts";

/** Address of a server. */
export interface Address {
  readonly origin: string;
  /** Certificate authority of the server, if the server uses TLS. */
  readonly certificate?: string;
}

export interface GatewayHttpResponse {
  /** 0 without a response. */
  readonly status: number;
  /** Age of the response, in seconds; 0 without an `Age` header. */
  readonly ageSeconds: number;
  readonly body: unknown;
}

export interface GatewayHttpClient {
  read(userId: number): Promise<GatewayHttpResponse>;
  /** Fetches the version of every user that the token may see. */
  versions(): Promise<ReadonlyMap<number, number>>;
  /** Sets an agent's status, if the agent has the version. @default any version */
  setStatus(userId: number, status: string, ifVersion?: number): Promise<GatewayHttpResponse>;
}

export interface GatewayHttpClientOptions {
  readonly at: Address;
  readonly customer: string;
  readonly token: string;
}

const List = v.object({ availabilities: v.record(v.string(), Availability) });

/** Longer than any work of a gateway for a request, in milliseconds. A slower gateway hangs. */
const PATIENCE_MS = 20_000;

/** Creates a client with the customer's token, which keeps its connections open. */
export function createGatewayClient({ at, customer, token }: GatewayHttpClientOptions): GatewayHttpClient {
  const base = `${at.origin}/c/${customer}/v1`;
  const agent = at.certificate === undefined ? new PlainAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  onTestFinished(() => agent.destroy());

  async function call(
    method: string,
    path: string,
    body?: object,
    ownHeaders: Readonly<Record<string, string>> = {},
  ): Promise<GatewayHttpResponse> {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const headers = {
      Authorization: `Bearer ${token}`,
      ...(body && { "Content-Type": "application/json" }),
      ...ownHeaders,
    };
    const asked = openRequest(`${base}${path}`, { method, headers, agent, signal, ca: at.certificate });
    asked.end(body && JSON.stringify(body));
    try {
      const [response]: IncomingMessage[] = await once(asked, "response");
      const parts: Buffer[] = [];
      for await (const part of response ?? []) parts.push(part);
      const ageSeconds = Number(response?.headers.age ?? 0);
      return { status: response?.statusCode ?? 0, ageSeconds, body: parse(String(Buffer.concat(parts))) };
    } catch (error) {
      if (signal.aborted) throw error;
      // Refused or cut off, as by a killed gateway.
      return { status: 0, ageSeconds: 0, body: undefined };
    }
  }

  return {
    read: (userId) => call("GET", `/users/${userId}/availability`),
    setStatus(userId, status, ifVersion) {
      const condition = ifVersion === undefined ? {} : { "If-Match": `"${ifVersion}"` };
      return call("PUT", `/users/${userId}/availability`, { status }, condition);
    },
    async versions() {
      const { status, body } = await call("GET", "/availabilities");
      if (status !== 200) throw new Error(`The list was answered with ${status}: ${JSON.stringify(body)}`);
      const { availabilities } = v.parse(List, body);
      return new Map(Object.values(availabilities).map(({ userId, version }) => [userId, version]));
    },
  };
}

/** Parses JSON, and returns a proxy's other bodies as text. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** Opens a request over HTTP or HTTPS, depending on the address. */
export function openRequest(url: string, options: RequestOptions): ClientRequest {
  return url.startsWith("https:") ? request(url, options) : requestPlainly(url, options);
}
