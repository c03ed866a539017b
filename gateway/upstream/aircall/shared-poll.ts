import type { PollAssignments } from "../poll-assignments.ts";
import { createPoll, type PollOptions } from "./poll.ts";

export interface SharedPollOptions extends Omit<PollOptions, "assignment"> {
  readonly customerId: string;
  readonly assignments: PollAssignments;
}

/**
 * Runs the poll of a customer until the signal aborts: reads the list while the gateway is assigned, and follows the
 * reads of the other gateways otherwise.
 */
export async function runSharedPoll(options: SharedPollOptions, signal: AbortSignal): Promise<void> {
  const { customerId, assignments, healthTracker } = options;
  let isReading = () => false;
  const assignment = assignments.add({
    customerId,
    onList(list, atMs) {
      if (!isReading()) healthTracker.follow(list, atMs);
    },
    onStoreLost() {
      if (!isReading()) healthTracker.markStale();
    },
  });
  const poll = createPoll({ ...options, assignment });
  isReading = poll.isReading;
  try {
    await poll.run(signal);
  } finally {
    assignment.remove();
  }
}
