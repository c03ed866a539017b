// @ts-check
/** Who changes next, and to what: the same for the same seed. */

/**
 * The statuses that somebody may be given, the likeliest ones more than once.
 *
 * @see SETTABLE_STATUSES in shared/contracts/read-availability.ts, which a test holds this list to.
 */
export const STATUSES = /** @type {const} */ ([
  "available",
  "available",
  "available",
  "do_not_disturb",
  "on_a_break",
  "out_for_lunch",
  "in_traning",
  "doing_back_office",
  "other",
]);

/**
 * Draws changes of these users, one after the other and without an end. No user is given the status that it was given last.
 *
 * @param {readonly number[]} userIds at least one
 * @param {number} seed a whole number from 0 to 4294967295
 * @returns {Generator<{ userId: number, status: (typeof STATUSES)[number] }, never>}
 */
export function* drawChanges(userIds, seed) {
  const draw = createDraw(seed);
  /** @type {Map<number, string>} */
  const last = new Map();
  for (;;) {
    const userId = draw(userIds);
    const status = draw(STATUSES.filter((word) => word !== last.get(userId)));
    last.set(userId, status);
    yield { userId, status };
  }
}

/**
 * Numbers that look random and repeat with their seed: a linear congruential generator with Knuth's constants, of whose 32
 * bits the upper ones are used, since the lower ones do not look so.
 *
 * @param {number} seed
 */
function createDraw(seed) {
  let state = seed;
  return /** @template Item @param {readonly Item[]} items @returns {Item} */ (items) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    const item = items[Math.floor((state / 2 ** 32) * items.length)];
    if (item === undefined) throw new RangeError("drawChanges: expected at least one user");
    return item;
  };
}
