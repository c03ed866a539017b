import * as v from "valibot";
import { announcement } from "./contract.ts";

/** State of the announcements of availabilities: `live` while each change reaches the widget, otherwise `stale`. */
export const LIVE_STATES = ["live", "stale"] as const;

const AGE = "whole milliseconds of at least 0";

/** Announcements about the announcements of availabilities. */
export const liveAnnouncements = {
  /** Changes no longer reach the widget, or all changes reach it again. */
  "LIVE.STATE_CHANGED": announcement(
    v.strictObject(
      {
        state: v.picklist(LIVE_STATES, `one of ${LIVE_STATES.join(", ")}`),
        /**
         * Milliseconds since the latest sign of life from the backend, when the widget posted this announcement. An age, and no
         * time of day, so that the clocks of the page and of the widget need not agree.
         */
        ageMs: v.pipe(v.number(AGE), v.safeInteger(AGE), v.minValue(0, AGE)),
      },
      "exactly { state, ageMs }",
    ),
  ),
};
