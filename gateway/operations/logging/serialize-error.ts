/** What a log keeps of something that was thrown. */
export interface SerializedError {
  readonly type: string;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: SerializedError;
}

const MAX_TEXT_LENGTH = 8000;

/** How many causes are followed. An error may be its own. */
const MAX_DEPTH = 5;

/** What must not stand in a log, and could stand in a library's error message. */
const SECRETS: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, "[token]"],
  [/\b(Bearer|Basic)\s+[^\s"',;]+/gi, "$1 [secret]"],
  [/\b([a-z][a-z\d+.-]*:\/\/)[^\s/@"']*@/gi, "$1[secret]@"],
  [/(\b[a-z][a-z\d+.-]*:\/\/[^\s?"']*|(?<=[\s"'(])\/[^\s?"']*)\?[^\s"')]+/gi, "$1?[query]"],
];

/**
 * An error in its own words and without what hangs on it: an HTTP client's error carries its request, and an upstream's its
 * answer. Where the words name a token, a password or a query, that is left out.
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
