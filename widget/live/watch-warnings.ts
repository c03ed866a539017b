/** Lines in the console for the page's developer about watched agents that have no availability. Badges can only stay empty. */

/** The most warnings of one widget: a page may watch thousands of agents of another customer. */
const MAX_WARNINGS = 20;

/** Remedies by the status of the gateway's response. */
const REMEDIES: Readonly<Record<number, string>> = {
  401: " Set data-token-url on the page's script tag, or fetchToken in connect(), and check that it gives a valid token.",
  403: " Ask the vendor for the rights that the page's token needs.",
};

export interface WatchWarnings {
  /** The gateway has responded, and has no such agent. */
  warnOfUnknownAgent(userId: number): void;
  /** The request for the watched agents has failed. Only what the page's developer or administrator can mend is written. */
  warnOfRejection(error: unknown): void;
}

/** Creates warnings of which each is written once. */
export function createWatchWarnings(): WatchWarnings {
  const written = new Set<string>();

  function warnOnce(fault: string, remedy: string): void {
    if (written.size >= MAX_WARNINGS || written.has(fault)) return;
    written.add(fault);
    console.warn(`availability-bridge: ${fault}.${remedy} See "It does not work" in the documentation.`);
  }

  return {
    warnOfUnknownAgent(userId) {
      warnOnce(
        `user-id: there is no agent ${userId} in the telephony system`,
        " The id must be the telephony system's, not the CRM's.",
      );
    },
    warnOfRejection(error) {
      // By its fields, since the error's class is part of the widget's document and not of this file.
      const { status, body } = Object(error);
      const remedy = REMEDIES[status];
      if (!remedy) return;
      const { detail } = Object(body);
      const reason = typeof detail === "string" ? `: ${detail}` : "";
      warnOnce(`the gateway rejects the page's agents with status ${status}${reason}`, remedy);
    },
  };
}
