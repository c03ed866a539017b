import * as v from "valibot";
import { TOKEN_EXPECTED, TOKEN_PATTERN } from "../protocol/token.ts";
import { request } from "./contract.ts";
import { NoPayload } from "./no-payload.ts";

/** Every request that the widget may send to the page around it. Apart from `contract`, which is what a page may send. */
export const hostContract = {
  /** Asks for a token that tells the backend for whom the page asks. The answer is for this widget alone, and for nobody's log. */
  "HOST.FETCH_TOKEN": request({
    payload: NoPayload,
    fulfilled: v.strictObject(
      {
        /** What `Authorization: Bearer` carries. */
        token: v.pipe(v.string(TOKEN_EXPECTED), v.regex(TOKEN_PATTERN, TOKEN_EXPECTED)),
      },
      "exactly { token }",
    ),
    idempotent: true,
  }),
};

/** The contract as a named type, so that editors show its name and not its schemas. */
export interface HostContract extends Readonly<typeof hostContract> {}
