/** Requests of the command from its own process, where no policy of a browser hides an answer. */

/** Maximum wait for an answer's head and for its body, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** Largest part of a body that is read, in bytes. */
const MAX_BYTES = 1_000_000;

/** An answer, or the reason why there was none. */
export type Answer =
  | {
      readonly isReached: true;
      readonly status: number;
      readonly headers: Headers;
      readonly body: string;
      /** Time of the answer by the clock of this process, in seconds since 1970. */
      readonly atSeconds: number;
    }
  | { readonly isReached: false; readonly isTls: boolean; readonly reason: string };

/** Options of a request. */
export interface RequestOptions {
  /** The token, for the header `Authorization` alone. */
  readonly token?: string | undefined;
}

/** Sends a GET without following redirects. Never rejects. */
export async function get(address: URL, { token }: RequestOptions = {}): Promise<Answer> {
  try {
    const response = await fetch(address, {
      redirect: "manual",
      headers: toHeaders(token),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    const body = await readText(response);
    return { isReached: true, status: response.status, headers: response.headers, body, atSeconds: Date.now() / 1_000 };
  } catch (error) {
    return explainFailure(error);
  }
}

/** How a stream of events begins: by a byte in time, by none, or by another answer than a stream. */
export type StreamStart = "delivers" | "silent" | { readonly status: number; readonly contentType: string | null };

/** Opens a stream of events, and waits for its first bytes. Never rejects: a stream that cannot be reached is `undefined`. */
export async function openStream(
  address: URL,
  { token }: RequestOptions,
  timeoutMs: number,
): Promise<StreamStart | undefined> {
  const controller = new AbortController();
  const timer = setTimeout(() => controller.abort(), timeoutMs);
  try {
    const response = await fetch(address, { redirect: "manual", headers: toHeaders(token), signal: controller.signal });
    const contentType = response.headers.get("content-type");
    if (response.status !== 200 || !contentType?.startsWith("text/event-stream")) {
      return { status: response.status, contentType };
    }
    const first = await response.body?.getReader().read();
    return first?.value?.length ? "delivers" : "silent";
  } catch {
    // A proxy that buffers holds the head back as well, or only the body.
    return controller.signal.aborted ? "silent" : undefined;
  } finally {
    clearTimeout(timer);
    controller.abort();
  }
}

function toHeaders(token: string | undefined): Record<string, string> {
  return token === undefined ? {} : { authorization: `Bearer ${token}` };
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    if (text.length > MAX_BYTES) break;
  }
  return text;
}

function explainFailure(error: unknown): Answer {
  const code = findCode(error);
  if (Object(error).name === "TimeoutError") {
    return { isReached: false, isTls: false, reason: `no answer within ${TIMEOUT_MS / 1_000} s` };
  }
  return { isReached: false, isTls: isTlsCode(code), reason: code ?? "the connection failed" };
}

/** Returns the code of the operating system or of TLS, from an error or one of its causes. */
function findCode(error: unknown): string | undefined {
  const { code, cause } = Object(error);
  return cause ? (findCode(cause) ?? code) : code;
}

function isTlsCode(code: string | undefined): boolean {
  return /CERT|SSL|TLS|SIGNATURE|ISSUER|EPROTO/.test(code ?? "");
}
