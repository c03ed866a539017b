/**
 * Refuses a misspelt option: without a type checker, the option would have no effect, and the test would fail for another reason.
 *
 * @param others the options that the function does not read.
 * @param known the names of the options that the function reads.
 * @throws {TypeError} when there is another option; the message names the option and the known ones.
 */
export function refuseUnknownOptions(caller: string, others: object, known: readonly string[]): void {
  const [name] = Object.keys(others);
  if (name !== undefined) throw new TypeError(`${caller} has no option ${name}: expected ${known.join(", ")}`);
}
