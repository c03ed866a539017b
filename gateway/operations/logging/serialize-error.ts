/** Log record of a thrown value. */
export interface SerializedError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: SerializedError;
}

const MAX_TEXT_LENGTH = 8000;

/** Maximum number of causes. An error can be its own cause. */
const MAX_DEPTH = 5;

/** Secrets that a library's error message could contain. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, "[token]"],
  [/\b(Bearer|Basic)\s+[^\s"',;]+/gi, "$1 [secret]"],
  [/\b([a-z][a-z\d+.-]*:\/\/)[^\s/@"']*@/gi, "$1[secret]@"],
  [/(\b[a-z][a-z\d+.-]*:\/\/[^\s?"']*|(?<=[\s"'(])\/[^\s?"']*)\?[^\s"')]+/gi, "$1?[query]"],
];

/**
 * Serializes an error without its further properties: an HTTP client's error carries its request, and an upstream's
 * error carries the response. Tokens, passwords and queries are removed from the texts.
 */
export function serializeError(thrown: unknown, depth: number = MAX_DEPTH): SerializedError {
  if (!(thrown instanceof Error)) return { type: typeof thrown, message: withoutSecrets(String(thrown)) };
  const { name, message, stack, cause } = thrown;
  return {
    type: name,
    message: withoutSecrets(message),
    ...(stack !== undefined && { stack: withoutSecrets(stack) }),
    ...(cause !== undefined && depth > 0 && { cause: serializeError(cause, depth - 1) }),
  };
}

function withoutSecrets(text: string): string {
  return SECRETS.reduce((rest, [secret, instead]) => rest.replaceAll(secret, instead), text.slice(0, MAX_TEXT_LENGTH));
}
