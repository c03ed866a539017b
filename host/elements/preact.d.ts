/** Types of `<availability-badge>` for the JSX of Preact 10. Has no code: `import type {} from "availability-bridge/elements/preact"`. */
import type { HTMLAttributes } from "preact";
import type {
  AvailabilityBadgeAttributes,
  AvailabilityBadgeElement,
  AvailabilityChangeEvent,
} from "../badge/badge-element.ts";

/** Attributes and listeners of the element in JSX. */
export interface AvailabilityBadgeProps extends AvailabilityBadgeAttributes {
  /** Listens to `availability-change`. */
  "onavailability-change"?: ((event: AvailabilityChangeEvent) => void) | undefined;
}

declare module "preact" {
  namespace JSX {
    interface IntrinsicElements {
      /** An agent's availability, by the attribute `user-id`. */
      // oxlint-disable-next-line typescript/no-redundant-type-constituents -- the repository itself has no Preact
      "availability-badge": HTMLAttributes<AvailabilityBadgeElement> & AvailabilityBadgeProps;
    }
  }
}
