/** The most warnings of a page: hundreds of faulty badges must not flood its console. */
const MAX_WARNINGS = 20;

const warned = new Set<string>();

/** Writes a fault to the page's console, with the page of the documentation. The same fault is written once. */
export function warnOnce(fault: string): void {
  const { size } = warned;
  if (size < MAX_WARNINGS && size < warned.add(fault).size) {
    console.warn(`availability-bridge: ${fault}. See "It does not work" in the documentation`);
  }
}
