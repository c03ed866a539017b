/** Describes the type of a rejected claim, without its value. */
export function describeType(value: unknown): string {
  if (value === undefined) return "the claim is missing";
  if (value === null) return "it is null";
  if (Array.isArray(value)) return "it is a list";
  // A string may have a wrong value.
  return typeof value === "string" ? "it is another text" : `it is of the type ${typeof value}`;
}
