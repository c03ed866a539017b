/** The marks that almost every page shows, as `marks.ts` has all: a file of their own, for the badge to load these alone. */

import type { ShownState } from "../languages/texts.ts";

/** A disc. Signs come after it. */
export const DISC = "M0 8a8 8 0 0116 0A8 8 0 010 8z";

/** States of these marks. */
type UsualState = "available" | "in_call" | "do_not_disturb" | "offline" | "loading";

type UsualMarks = Readonly<Record<UsualState, string>> & Readonly<Partial<Record<ShownState, string>>>;

/** Path data of the marks that almost every page shows. */
export const USUAL_MARKS: UsualMarks = {
  /** A disc with a tick. */
  available: `${DISC}M7 12l5.5-5.5L11 5 7 9 5 7 3.5 8.5z`,
  /** A rounded square with three bars of sound. */
  in_call: "M0 4q0-4 4-4h8q4 0 4 4v8q0 4-4 4H4q-4 0-4-4zM3 6v4h2V6zM7 3v10h2V3zM11 6v4h2V6z",
  /** A disc with a bar. */
  do_not_disturb: `${DISC}M4 7v2h8V7z`,
  /** A hollow ring. */
  offline: `${DISC}M3 8a5 5 0 0110 0A5 5 0 013 8z`,
  /** A ring of dots, which are squares. */
  loading: "M7 0h2v2h-2zm5 2h2v2h-2zm2 5h2v2h-2zm-2 5h2v2h-2zm-5 2h2v2h-2zm-5-2h2v2h-2zm-2-5h2v2h-2zm2-5h2v2h-2z",
};
