import type { AvailabilityReading } from "../shared/availability.ts";
import type { Availability } from "../shared/contracts/availability.ts";

/** An availability as the view shows it. */
export interface Shown {
  readonly availability: Availability;
  readonly reading: AvailabilityReading;
}

/** Shows the agent what was asked for last. */
export interface View {
  /** Shows an availability, or that it could not be fetched. */
  show(shown: Shown | undefined): void;
}

/**
 * Loads the view when the frame is first seen, and shows it the last answer and all that follow.
 * A frame that is never seen, which is the usual one, never loads it.
 */
export function showWhenVisible(root: Element, load: () => Promise<View>): View["show"] {
  let view: View | undefined;
  let showLatest: (() => void) | undefined;
  const observer = new IntersectionObserver((entries) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    observer.disconnect();
    load().then((loaded) => {
      view = loaded;
      showLatest?.();
    }, reportError);
  });
  observer.observe(root);
  return (shown) => {
    showLatest = () => view?.show(shown);
    showLatest();
  };
}
