/** Types of `<availability-badge>` for the JSX of React 18 and 19. Has no code: `import type {} from "availability-bridge/elements/react"`. */
import type { DetailedHTMLProps, HTMLAttributes } from "react";
import type {
  AvailabilityBadgeAttributes,
  AvailabilityBadgeElement,
  AvailabilityChangeEvent,
} from "../badge/badge-element.ts";

/** Attributes and listeners of the element in JSX. */
export interface AvailabilityBadgeProps extends AvailabilityBadgeAttributes {
  /** Listens to `availability-change`. React 18 has no such attribute: call `addEventListener` there. */
  "onavailability-change"?: ((event: AvailabilityChangeEvent) => void) | undefined;
}

declare module "react" {
  namespace JSX {
    interface IntrinsicElements {
      /** An agent's availability, by the attribute `user-id`. */
      "availability-badge": DetailedHTMLProps<HTMLAttributes<AvailabilityBadgeElement>, AvailabilityBadgeElement> &
        AvailabilityBadgeProps;
    }
  }
}
