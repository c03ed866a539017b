/** Documents of the kit: a function as the document's script, with its arguments. */

/** Any function that a document can run. */
type Runnable = (...args: never[]) => unknown;

/**
 * Creates a document that calls a function. The document gets functions as text, so a function may use nothing from outside its body.
 *
 * @param main The function.
 * @param args Functions and JSON.
 */
export function toDocument(main: Runnable, ...args: readonly (Runnable | object)[]): string {
  const texts = args.map((arg) => (typeof arg === "function" ? arg.toString() : JSON.stringify(arg)));
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Conformance</title><link rel="icon" href="data:,"></head>
<body><script>(${main.toString()})(${texts.join(", ")})</script></body></html>`;
}
