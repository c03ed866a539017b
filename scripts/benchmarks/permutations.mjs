// @ts-check
/**
 * The orders in which sides take turns. A rotated list would not do: each side would always follow the same other one,
 * and would be measured with what that one leaves behind, such as garbage to collect or a tab that is still closing.
 */

/**
 * Every order of a list, so that each side follows each other one equally often.
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
 * One of the orders, by the number of the turn.
 *
 * @template Item
 * @param {readonly Item[]} items
 * @param {number} turn
 */
export function permutationAt(items, turn) {
  const orders = permutationsOf(items);
  // Steps of 7, which divides no number of orders here, so that a few turns already differ in more than their end.
  return orders[(turn * 7) % orders.length] ?? [];
}
