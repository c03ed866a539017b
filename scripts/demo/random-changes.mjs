// @ts-check
/** Draws the next agent and status at random: the same sequence for the same seed. */

/**
 * The statuses that an agent may be given. Likelier statuses occur several times.
 *
 * @see SETTABLE_STATUSES in shared/contracts/settable-statuses.ts: a test compares the two lists.
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
 * Draws changes of the given users, endlessly. A user never gets the same status twice in a row.
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
    const status = draw(STATUSES.filter((status) => status !== last.get(userId)));
    last.set(userId, status);
    yield { userId, status };
  }
}

/**
 * Creates a pseudo-random choice that repeats with the seed: a linear congruential generator with Knuth's constants.
 * The choice uses the upper of the 32 bits, because the lower bits repeat early.
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
