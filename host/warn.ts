/** Maximum number of warnings on a page: hundreds of faulty badges must not flood the console. */
const MAX_WARNINGS = 20;

const warned = new Set<string>();

/**
 * Writes a fault to the page's console, with the page of the documentation. Repeated faults are written once. Writes in a microtask, because
 * a page may have a console without `warn`, or one that throws: the browser reports that, and the caller goes on.
 */
export function warnOnce(fault: string): void {
  const { size } = warned;
  if (size < MAX_WARNINGS && size < warned.add(fault).size) {
    queueMicrotask(() => console.warn(`availability-bridge: ${fault}. See "It does not work" in the documentation`));
  }
}
