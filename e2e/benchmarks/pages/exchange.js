// @ts-check
/** The request and the settlement of every side. */
export const REQUEST = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } };

export const AVAILABILITY = /** @type {const} */ ({
  userId: 123,
  status: "available",
  wrapUpTimeConfig: 30,
  wrapUpTimeTtl: 12,
  version: 42,
});

export const SETTLEMENT = { type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload: AVAILABILITY };
