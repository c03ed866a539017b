/** The types of the contract's idempotent requests, put here by the build: the contract itself does not reach the page. */
declare const IDEMPOTENT_REQUESTS: readonly string[];
