/** Changes of the agent's own status, shown at once and taken back if the gateway rejects them. */
import type { Availability } from "../../shared/contracts/availability.ts";
import type { WritableStatus } from "../gateway/gateway-client.ts";

/** The statuses of the switcher, in order: the word to write, and the resulting status. */
export const CHOICES = [
  { word: "always_opened", status: "available" },
  { word: "always_closed", status: "do_not_disturb" },
  { word: "out_for_lunch", status: "out_for_lunch" },
  { word: "on_a_break", status: "on_a_break" },
  { word: "in_training", status: "in_traning" },
  { word: "doing_back_office", status: "doing_back_office" },
  { word: "other", status: "other" },
] as const satisfies readonly { readonly word: WritableStatus; readonly status: Availability["status"] }[];

export type Choice = (typeof CHOICES)[number];

/** Why a change was taken back. */
export type ChangeFailure = "not_allowed" | "signed_out" | "unreachable" | "rejected";

export interface StatusChange {
  /** The still unconfirmed choice. */
  readonly pending: Choice | undefined;
  /** Reason of the last change's rejection, until the next change or `reset`. */
  readonly failure: ChangeFailure | undefined;
  /** Sets the status. A later choice counts, whatever order the gateway answers in. */
  choose(choice: Choice): Promise<void>;
  /** Forgets the last agent's changes. */
  reset(): void;
}

export interface StatusChangeOptions {
  readonly send: (word: WritableStatus) => Promise<Availability>;
  /** Called with the gateway's answer. */
  readonly onConfirmed: (availability: Availability) => void;
  /** Called with each change of `pending` and `failure`. */
  readonly onChange: () => void;
}

/** Creates a switcher without a change. */
export function createStatusChange({ send, onConfirmed, onChange }: StatusChangeOptions): StatusChange {
  let pending: Choice | undefined;
  let failure: ChangeFailure | undefined;
  /** Incremented with each choice, so that the answer to an earlier choice does not show. */
  let generation = 0;
  /** Changes are sent in sequence: the gateway then has the last choice, too. */
  let last: Promise<unknown> = Promise.resolve();

  return {
    get pending() {
      return pending;
    },
    get failure() {
      return failure;
    },
    async choose(choice) {
      generation += 1;
      const own = generation;
      pending = choice;
      failure = undefined;
      onChange();
      const earlier = last;
      const sent = earlier.then(() => (own === generation ? send(choice.word) : undefined));
      last = sent.catch(() => {});
      try {
        const confirmed = await sent;
        if (own !== generation) return;
        if (confirmed) onConfirmed(confirmed);
      } catch (error) {
        if (own !== generation) return;
        failure = toFailure(error);
      }
      pending = undefined;
      onChange();
    },
    reset() {
      generation += 1;
      pending = undefined;
      failure = undefined;
    },
  };
}

/** Codes of the bridge's rejections if the gateway has not answered. */
const UNREACHABLE: readonly unknown[] = ["BACKEND_UNREACHABLE", "BACKEND_TIMEOUT"];

function toFailure(error: unknown): ChangeFailure {
  // By fields, since the errors' classes are part of the widget's document alone.
  const { status, rejection, name } = Object(error);
  if (status === 401) return "signed_out";
  if (status === 403) return "not_allowed";
  if (name === "TimeoutError" || UNREACHABLE.includes(Object(rejection).code) || status >= 502) return "unreachable";
  return "rejected";
}
