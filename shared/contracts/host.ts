import * as v from "valibot";
import { TOKEN_EXPECTED, TOKEN_PATTERN } from "../protocol/token.ts";
import { announcement, request } from "./contract.ts";
import { NoPayload } from "./no-payload.ts";

/** Every request that the widget may send to the page. `contract` holds the requests in the other direction. */
export const hostContract = {
  /** Fetches the page's token for the backend. The token must not reach listeners, observers or logs. */
  "HOST.FETCH_TOKEN": request({
    payload: NoPayload,
    fulfilled: v.strictObject(
      {
        /** Credentials of `Authorization: Bearer`. */
        token: v.pipe(v.string(TOKEN_EXPECTED), v.regex(TOKEN_PATTERN, TOKEN_EXPECTED)),
      },
      "exactly { token }",
    ),
    idempotent: true,
  }),
};

/** The contract as a named type, so that editors show the name and not the schemas. */
export interface HostContract extends Readonly<typeof hostContract> {}

const PIXELS = "whole CSS pixels of at least 1";

/** Announcements about the widget's frame. */
export const frameAnnouncements = {
  /**
   * The size that the whole content of a visible widget needs, at most once in a frame of animation. The page decides what the frame gets: the
   * widget's content scrolls.
   */
  "HOST.RESIZE": announcement(
    v.strictObject(
      {
        /** The least width that shows the content well, in CSS pixels. */
        width: v.pipe(v.number(PIXELS), v.safeInteger(PIXELS), v.minValue(1, PIXELS)),
        /** The height of the content at the frame's present width, in CSS pixels. */
        height: v.pipe(v.number(PIXELS), v.safeInteger(PIXELS), v.minValue(1, PIXELS)),
      },
      "exactly { width, height }",
    ),
  ),
};
