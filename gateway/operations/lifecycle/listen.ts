import { once } from "node:events";
import type { Server } from "node:http";
import { systemErrorCode } from "../../system-error.ts";

/** The server cannot listen on the address in its settings. The operator has to act. */
export class ListenError extends Error {
  override readonly name = "ListenError";
}

/** Address to listen on, and the names of its settings. */
export interface ListenOptions {
  readonly host: string;
  /** @default "http" */
  readonly scheme?: "http" | "https";
  /** 0 takes a free port. */
  readonly port: number;
  /** Prefix of the variables' names: `GATEWAY` for `GATEWAY_PORT` and `GATEWAY_HOST`. */
  readonly prefix: string;
  /** A free port to propose if the port is in use. */
  readonly examplePort: number;
}

/**
 * Makes a server listen, and returns its origin.
 *
 * @throws {ListenError} if the server cannot listen.
 */
export async function listen(server: Server, options: ListenOptions): Promise<string> {
  server.listen(options.port, options.host);
  try {
    await once(server, "listening");
  } catch (cause) {
    throw new ListenError(describeListenFailure(cause, options), { cause });
  }
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : options.port;
  const host = options.host.includes(":") ? `[${options.host}]` : options.host;
  return `${options.scheme ?? "http"}://${host}:${port}`;
}

function describeListenFailure(cause: unknown, { host, port, prefix, examplePort }: ListenOptions): string {
  if (systemErrorCode(cause) === "EADDRINUSE") {
    return `Port ${port} of ${host} is in use: stop what uses it, or set another, for example ${prefix}_PORT=${examplePort}`;
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return `Cannot listen on port ${port} of ${host}, as ${prefix}_PORT and ${prefix}_HOST say: ${why}`;
}
