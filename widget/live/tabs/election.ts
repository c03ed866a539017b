import type { TabMessage, TabNews } from "./tab-message.ts";

/** Decides whether this tab leads where nobody does. At the worst two tabs are elected, and learn of each other by what they say. */
export interface Election {
  /** Nobody is known to lead: this tab does so if no other does. */
  stand(): void;
  /** The leader does not answer, or nobody has answered: this tab does so, even beside one that only seems to be gone. */
  replace(): void;
  /** Somebody leads, by this lock where it is by one. */
  follow(slot: number | undefined): void;
  /** This tab leads no more, and has closed its stream. */
  stepDown(): void;
  /** Hears what another tab says. */
  hear(message: TabMessage): void;
  /** This tab takes no part any more, and has closed its stream. */
  leave(): void;
}

export interface ElectionOptions {
  /** What the tabs share. */
  readonly name: string;
  /** This tab's. */
  readonly id: string;
  readonly post: (news: TabNews) => void;
  /** This tab is to lead, by this lock where it is by one. */
  readonly onElected: (slot: number | undefined) => void;
}

/** Enters a tab for an election. It does not stand yet. */
export type OpenElection = (options: ElectionOptions) => Election;
