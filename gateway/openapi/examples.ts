/** Availability in the examples of the document. */
export const AVAILABILITY = {
  userId: 123,
  status: "available",
  wrapUpTimeConfig: 30,
  wrapUpTimeTtl: 0,
  version: 1760000000000,
};
