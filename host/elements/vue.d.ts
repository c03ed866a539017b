/** Types of `<availability-badge>` in templates of Vue 3. Has no code: `import type {} from "availability-bridge/elements/vue"`. */
import type { HTMLAttributes, PublicProps } from "vue";
import type {
  AvailabilityBadgeAttributes,
  AvailabilityBadgeElement,
  AvailabilityChangeEvent,
} from "../badge/badge-element.ts";

/** Attributes and listeners of the element in a template. */
export interface AvailabilityBadgeProps extends AvailabilityBadgeAttributes {
  /** Listens to `availability-change`, as `@availability-change` does. */
  onAvailabilityChange?: ((event: AvailabilityChangeEvent) => void) | undefined;
}

declare module "vue" {
  interface GlobalComponents {
    /** An agent's availability, by the attribute `user-id`. */
    "availability-badge": new () => AvailabilityBadgeElement & {
      /** Never there: Vue's compiler reads the attributes from this type. */
      $props: HTMLAttributes & AvailabilityBadgeProps & PublicProps;
    };
  }
}
