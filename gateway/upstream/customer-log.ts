import type { UpstreamLog } from "./upstream.ts";

/** Returns a log whose lines name the customer. An unexpected error is the cause of an error that names the customer. */
export function withCustomerName(customerId: string, log: UpstreamLog): UpstreamLog {
  return {
    line: (text) => log.line(`Customer ${customerId}: ${text}`),
    warning: (text) => log.warning(`Customer ${customerId}: ${text}`),
    defect: (cause) => log.defect(new Error(`Customer ${customerId}: unexpected error`, { cause })),
  };
}
