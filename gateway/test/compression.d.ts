/** The part of the npm package `compression` used in tests. The package has no types. */
declare module "compression" {
  import type { IncomingMessage, ServerResponse } from "node:http";

  /** Creates a middleware that compresses responses to clients with a suitable `Accept-Encoding`. */
  export default function compression(): (request: IncomingMessage, response: ServerResponse, next: () => void) => void;
}
