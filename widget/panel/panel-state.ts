/** State of the panel: the team, the connection, the search, the selection, and the agent's own status. */
import type { Availability } from "../../shared/contracts/availability.ts";
import type { TeamObserver } from "../live/live.ts";
import { formatAgent, formatStatus } from "./format.ts";
import { type OwnAgent, readOwnAgent } from "./own-agent.ts";
import type { PanelModel, Phase, Selection } from "./panel-model.ts";
import { type AgentRow, listRows, type Row, toRow } from "./rows.ts";
import type { PageState, PanelOptions } from "./services.ts";
import { CHOICES, createStatusChange } from "./status-change.ts";
import { createTeam } from "./team.ts";
import type { PanelTexts } from "./texts/panel-texts.ts";

/** The part of the model in the state. */
export interface PanelContent extends Omit<PanelModel, "texts" | "language" | "placed" | "height"> {
  /** True while an agent's wrap-up time runs down. */
  readonly hasWrapUp: boolean;
}

export interface PanelState {
  /** Reads the state of now. */
  read(texts: PanelTexts): PanelContent;
  /** Returns the rows of the last `read`, and the selected agent. */
  current(): { readonly rows: readonly Row[]; readonly selectedId: number | undefined };
  /** Follows a change of the page around the widget. */
  update(page: PageState): void;
  search(query: string): void;
  select(userId: number): void;
  /** Sets the own status to a word of `API.UPDATE_AVAILABILITY`. */
  choose(word: string): void;
  /** Repeats a failed load. */
  retry(): void;
}

/** Creates the state of a panel without a page. `onChange` is called after each change. */
export function createPanelState(options: PanelOptions, onChange: () => void): PanelState {
  const { gateway, live, createCallOptions, readClaims, refreshToken, isAvailability, readAvailability } = options;
  const team = createTeam(options.subtractElapsed);
  const change = createStatusChange({
    send: (word) => gateway.updateOwnAvailability(word, createCallOptions()),
    onConfirmed: team.merge,
    onChange,
  });
  let phase: Phase = "connecting";
  let isConnected = false;
  let isStale = false;
  /** True while no feed can come, because the live part could not be loaded. */
  let isFeedMissing = false;
  let hasSnapshot = false;
  /** Agents reported by the present feed; `undefined` after the first snapshot. */
  let reported: Set<number> | undefined;
  let subject: string | undefined;
  let query = "";
  let rows: readonly Row[] = [];
  let selection: { readonly userId: number; readonly wasRemoved: boolean } | undefined;
  let latest: PageState["latest"];
  let hasFailedRequest = false;
  /** Incremented when the page or the agent changes: an earlier answer does not count then. */
  let generation = 0;

  function clear(next: Phase): void {
    generation += 1;
    phase = next;
    hasSnapshot = false;
    reported = undefined;
    team.clear();
    change.reset();
  }

  /** Fetches the team once, because the first snapshot of the feed takes longer, and does not come without the right to read. */
  async function load(): Promise<void> {
    const own = generation;
    try {
      const all = await gateway.fetchAllAvailabilities(createCallOptions());
      if (own !== generation) return;
      if (!hasSnapshot) for (const availability of Object.values(all)) team.merge(availability);
      phase = "ready";
    } catch (error) {
      const failed = toPhase(error);
      const isWithdrawn = isStale && failed === "team_not_allowed";
      // The feed's team stays, unless the agent may not see it any more.
      if (own !== generation || (hasSnapshot && phase === "ready" && !isWithdrawn)) return;
      if (isWithdrawn) selection = undefined;
      phase = failed;
    }
    onChange();
  }

  function remove(userId: number, wasRemoved: boolean): void {
    team.remove(userId);
    if (selection?.userId === userId) selection = { userId, wasRemoved };
  }

  const observer: TeamObserver = {
    onSession(current) {
      if (subject !== undefined && current !== subject) {
        selection = undefined;
        clear("connecting");
        void load();
      }
      // After the end of a session the notice stays until the first snapshot: the gateway may reject this token as well.
      subject = current;
      isFeedMissing = false;
      reported = new Set();
      onChange();
    },
    onAvailability(availability) {
      reported?.add(availability.userId);
      team.merge(availability);
      onChange();
    },
    onRemoval(userId, isUnreadable) {
      remove(userId, !isUnreadable);
      onChange();
    },
    onCurrent() {
      // The team may have agents of the list, deleted since.
      if (reported) for (const { userId } of team.all()) if (!reported.has(userId)) remove(userId, true);
      reported = undefined;
      hasSnapshot = true;
      phase = "ready";
      onChange();
    },
    onState(state) {
      isStale = state === "stale";
      // The agent may see the team again, which the panel has kept.
      if (!isStale && hasSnapshot) phase = "ready";
      // The snapshot may never come, and the list's error says why.
      if (isStale && !hasSnapshot && phase !== "ready") void load();
      onChange();
    },
    onSessionEnded() {
      isStale = false;
      clear("signed_out");
      onChange();
    },
  };

  function handleConnection(next: boolean): void {
    if (next === isConnected) return;
    isConnected = next;
    isStale = false;
    isFeedMissing = false;
    clear("connecting");
    subject = undefined;
    selection = undefined;
    if (!next) return;
    const own = generation;
    // A live part that cannot be loaded is loaded again later, and reported by the live service. Until then no change comes.
    live.observe(observer).catch(() => {
      if (own !== generation) return;
      isFeedMissing = true;
      onChange();
    });
    void load();
  }

  function handleLatest(next: PageState["latest"]): void {
    if (next === latest) return;
    latest = next;
    const { payload } = Object(next);
    // Cancelled by the page.
    if (Object(Object(payload).error).code === "ABORTED") return;
    hasFailedRequest = next !== undefined && !isAvailability(payload);
    if (isAvailability(payload)) {
      // A feed that has everyone decides who is there: the answer may be from before a removal.
      if (!hasSnapshot || isStale || team.get(payload.userId)) team.merge(payload);
      selection = { userId: payload.userId, wasRemoved: false };
    } else selection = undefined;
  }

  /** Replaces the own status by the unconfirmed choice, unless the phone system alone can change it. */
  function applyPending(availability: Availability): Availability {
    const { pending } = change;
    const isSettable = CHOICES.some(({ status }) => status === availability.status);
    return pending && isSettable ? { ...availability, status: pending.status } : availability;
  }

  function readTeam({ userId }: OwnAgent): readonly Availability[] {
    const all = team.all();
    return change.pending ? all.map((each) => (each.userId === userId ? applyPending(each) : each)) : all;
  }

  function readSelection(byId: ReadonlyMap<number, Availability>): Selection | undefined {
    if (!selection) return undefined;
    const availability = byId.get(selection.userId);
    return { ...selection, row: availability && toRow(availability, readAvailability) };
  }

  return {
    read(texts) {
      const own = readOwnAgent(readClaims());
      const all = readTeam(own);
      const byId = new Map(all.map((availability) => [availability.userId, availability]));
      const ownAvailability = own.userId === undefined ? undefined : byId.get(own.userId);
      const describe = ({ availability: { userId }, ...row }: AgentRow): string =>
        `${formatAgent(userId, texts)} ${formatStatus(row, texts)}`;
      rows = listRows(all, { readAvailability, describe, query });
      return {
        phase,
        isStale: isStale || isFeedMissing,
        own,
        ownRow: ownAvailability && toRow(ownAvailability, readAvailability),
        pending: change.pending,
        failure: change.failure,
        query,
        total: all.length,
        callable: all.filter((availability) => readAvailability(availability).callable).length,
        rows,
        selection: readSelection(byId),
        hasFailedRequest,
        hasWrapUp: all.some(({ wrapUpTimeTtl = 0 }) => wrapUpTimeTtl > 0),
      };
    },
    current: () => ({ rows, selectedId: selection?.userId }),
    update(page) {
      handleConnection(page.isConnected);
      handleLatest(page.latest);
      onChange();
    },
    search(next) {
      query = next;
      onChange();
    },
    select(userId) {
      selection = { userId, wasRemoved: false };
      hasFailedRequest = false;
      onChange();
    },
    choose(word) {
      const choice = CHOICES.find((each) => each.word === word);
      if (choice) void change.choose(choice);
    },
    retry() {
      if (phase === "signed_out") void refreshToken().then(load);
      else {
        live.checkConnection();
        if (!hasSnapshot || isStale) void load();
      }
      if (phase !== "ready") phase = "connecting";
      onChange();
    },
  };
}

function toPhase(error: unknown): Phase {
  // By a field, since the error's class is part of the widget's document alone.
  const { status } = Object(error);
  return status === 401 ? "signed_out" : status === 403 ? "team_not_allowed" : "failed";
}
