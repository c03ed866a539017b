import type { ServerResponse } from "node:http";
import { SECURITY_HEADERS } from "./security-headers.ts";

/** Writes a body in ASCII, or of bytes, and ends the response. */
export function endWith(response: ServerResponse, body: string | Buffer): void {
  response.write(body, "latin1");
  // Uncorking now sends head and body in one chunk, which is faster than a list of chunks at the end.
  response.socket?.uncork();
  response.end();
}

/** Writes a web Response below `/v1/` to Node's response, with the headers that the app adds. */
export async function writeWebResponse(response: ServerResponse, web: Response, requestId?: string): Promise<void> {
  const body = Buffer.from(await web.text());
  const headers = new Headers(web.headers);
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) if (!headers.has(name)) headers.set(name, value);
  if (requestId !== undefined) headers.set("X-Request-Id", requestId);
  headers.set("Content-Length", `${body.length}`);
  response.writeHead(web.status, [...headers].flat()).end(body);
}
