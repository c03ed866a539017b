import { availability, userAnnouncements } from "./availability.ts";
import { bus, sessionAnnouncements } from "./bus.ts";

export { type HostContract, hostContract } from "./host.ts";

/** Every request that a host may send to the widget. One entry per request, spread in from its domain. */
export const contract = { ...availability, ...bus };

/** The contract as a named type, so that editors show its name and not its schemas. */
export interface BusContract extends Readonly<typeof contract> {}

/** Everything that the widget announces to the page. */
export const announcements = { ...userAnnouncements, ...sessionAnnouncements };

/** The announcements as a named type, so that editors show its name and not its schemas. */
export interface Announcements extends Readonly<typeof announcements> {}
