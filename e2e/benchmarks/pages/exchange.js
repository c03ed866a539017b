// @ts-check
/** The request that every side sends, and the settlement that every side's frame answers with. */
export const REQUEST = { type: "API.FETCH_USER_AVAILABILITY", payload: { variables: { userId: 123 } } };

export const AVAILABILITY = /** @type {const} */ ({
  userId: 123,
  status: "available",
  wrapUpTimeConfig: 30,
  wrapUpTimeTtl: 12,
  version: 42,
});

export const SETTLEMENT = { type: "API.FETCH_USER_AVAILABILITY_FULFILLED", payload: AVAILABILITY };
