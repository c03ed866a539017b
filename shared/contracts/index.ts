import { availability, userAnnouncements } from "./availability.ts";
import { bus, session, sessionAnnouncements } from "./bus.ts";
import { frameAnnouncements } from "./host.ts";
import { liveAnnouncements } from "./live.ts";

export { type HostContract, hostContract } from "./host.ts";

/** Every request that a page may send to the widget. Each domain's file contributes its entries. */
export const contract = { ...availability, ...bus, ...session };

/** The contract as a named type, so that editors show the name and not the schemas. */
export interface BusContract extends Readonly<typeof contract> {}

/** Every announcement of the widget. */
export const announcements = {
  ...userAnnouncements,
  ...liveAnnouncements,
  ...sessionAnnouncements,
  ...frameAnnouncements,
};

/** The announcements as a named type, so that editors show the name and not the schemas. */
export interface Announcements extends Readonly<typeof announcements> {}
