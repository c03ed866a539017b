import type { OutgoingMessage, TabMessage } from "./tab-message.ts";

/**
 * Decides whether this tab leads while no leader is known. In the worst case two tabs are elected, and learn of each
 * other by messages.
 */
export interface LeaderElection {
  /** Applies for leadership: this tab leads if no other tab does. */
  requestLeadership(): void;
  /** Takes over from a leader that does not respond, even if the leader's tab only hangs. */
  takeOver(): void;
  /** Accepts another tab as the leader. `slot` is the leader's lock in an election by locks. */
  acceptLeader(slot: number | undefined): void;
  /** This tab no longer leads, and has closed the stream. */
  stepDown(): void;
  /** Handles a message from another tab. */
  handleMessage(message: TabMessage): void;
  /** This tab leaves the election, and has closed the stream. */
  close(): void;
}

export interface LeaderElectionOptions {
  /** The name shared by the tabs. */
  readonly name: string;
  /** The id of this tab. */
  readonly id: string;
  readonly post: (message: OutgoingMessage) => void;
  /** Called when this tab is to lead. `slot` is the lock in an election by locks. */
  readonly onElected: (slot: number | undefined) => void;
}

/** Enters a tab in an election, without applying for leadership. */
export type OpenLeaderElection = (options: LeaderElectionOptions) => LeaderElection;
