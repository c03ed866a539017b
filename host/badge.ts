/** Entry `availability-bridge/badge`: the badge for pages that import the package. Importing the module has no side effects. */
export { defineAvailabilityBadge } from "./badge/define-badge.ts";
