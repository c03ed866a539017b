/**
 * The mark of each state: a shape of its own, so that nobody needs the colour. Each is SVG path data in a box of 16 by 16, for one
 * `<path>` with `fill="currentColor"` and `fill-rule="evenodd"`: signs inside are holes, through which the page's background shows.
 */
import type { ShownState } from "../languages/texts.ts";
import { DISC, USUAL_MARKS } from "./usual-marks.ts";

/** A diamond with a question mark: there is no availability to show. */
const UNKNOWN = "M8 0l8 8-8 8-8-8zM6 4v1.5h3v1H7V10h2V8h2V4zM7 11v2h2v-2z";

/** Path data of each state's mark. */
export const MARKS: Readonly<Record<ShownState, string>> = {
  ...USUAL_MARKS,
  /** An upright phone. */
  on_mobile: "M3 2q0-2 2-2h6q2 0 2 2v12q0 2-2 2H5q-2 0-2-2zM5 2v9h6V2zM7 12.5v2h2v-2z",
  /** A clock with a thin edge: `WRAP_UP_RING` is thick, and runs down on top of the edge. */
  wrapping_up: `${DISC}M1 8a7 7 0 0114 0A7 7 0 011 8zM7 4v4l3 2 1-1.5-2-1.3V4z`,
  unknown: UNKNOWN,
  not_allowed: UNKNOWN,
  removed: UNKNOWN,
  /** A triangle with an exclamation mark. */
  error: "M8 1l8 14H0zM7 5v5h2V5zM7 11v2h2v-2z",
};

/**
 * Path of the wrap-up time, in the same box, for a `<path>` with `fill="none"`, `stroke="currentColor"`, `stroke-width="2.5"` and
 * `pathLength="1"`: `stroke-dasharray` is the part that remains, from 0 to 1. It begins at the top, and ends clockwise.
 */
export const WRAP_UP_RING = "M8 1.25a6.75 6.75 0 010 13.5 6.75 6.75 0 010-13.5z";
