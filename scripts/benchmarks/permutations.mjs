// @ts-check
/**
 * Orders in which the measured sides take turns. A rotated list would not do: each side would always follow the same
 * predecessor, and its figures would contain the predecessor's garbage collection or closing tab.
 */

/**
 * Lists every order of the items, so that each side follows every other side equally often.
 *
 * @template Item
 * @param {readonly Item[]} items
 * @returns {Item[][]}
 */
export function permutationsOf(items) {
  if (items.length < 2) return [[...items]];
  return items.flatMap((first) =>
    permutationsOf(items.filter((item) => item !== first)).map((rest) => [first, ...rest]),
  );
}

/**
 * Picks the order for a turn.
 *
 * @template Item
 * @param {readonly Item[]} items
 * @param {number} turn
 */
export function permutationAt(items, turn) {
  const orders = permutationsOf(items);
  // Steps of 7, which divides no number of orders here: consecutive turns differ in more than the last items.
  return orders[(turn * 7) % orders.length] ?? [];
}
