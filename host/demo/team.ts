/** The team: every agent visible to the page, with a badge that follows the agent's availability. */

import { isRejected, type Rejected } from "../../shared/protocol/envelope.ts";
import { toBusError } from "../../shared/protocol/errors.ts";
import type { RejectionCode } from "../../shared/protocol/rejection.ts";
import type { Connector, ConnectorRecord, ConnectorState } from "../connector.ts";
import type { RequestType } from "../event-types.ts";
import { getElement, openTemplate } from "./elements.ts";
import { agentNameOf } from "./team-names.ts";
import { watchCallable } from "./watch-callable.ts";

/** Notes on the list as a whole. The badges show each agent's state. */
const NOTES: Record<ConnectorState | "unreachable" | "expired", string> = {
  connecting: "Loading the team…",
  ready: "Live",
  unreachable: "The backend cannot be reached: what is shown may be out of date.",
  expired: "The session has ended: sign in again to see who can take a call.",
  reconnecting: "The phone widget is gone for the moment: what is shown may be out of date.",
  closed: "The phone widget is closed: what is shown may be out of date.",
};

/** Requests that the widget forwards to the backend. */
const BACKEND_REQUESTS: ReadonlySet<string> = new Set<RequestType>([
  "API.CHANGE_WATCHED_USERS",
  "API.FETCH_AVAILABILITIES",
  "API.FETCH_USER_AVAILABILITY",
  "API.UPDATE_AVAILABILITY",
  "API.WATCH_AVAILABILITIES",
]);

/** Codes of a request that got no response from the backend. */
const UNREACHABLE_CODES: ReadonlySet<unknown> = new Set<RejectionCode>(["BACKEND_UNREACHABLE", "BACKEND_TIMEOUT"]);

/** Loads the team after the widget has connected. The note above the list shows whether the list is current. */
export function showTeam(connector: Connector): void {
  const card = getElement("team", HTMLElement);
  const list = getElement("team-list", HTMLUListElement);
  const note = getElement("team-note", HTMLElement);
  const count = getElement("team-count", HTMLElement);

  function showNote(appearance: keyof typeof NOTES | "empty" | "failed", text: string): void {
    card.dataset["look"] = appearance;
    if (note.textContent !== text) note.textContent = text;
  }

  /** Counts all agents: the badges far from the screen are not watched. */
  function countCallable(userIds: readonly number[]): void {
    const callable = new Set<number>();
    watchCallable(connector, userIds, (userId, agent) => {
      if (agent.callable) callable.add(userId);
      else callable.delete(userId);
      count.textContent = `${callable.size} of ${userIds.length} can take a call`;
    });
  }

  async function load(): Promise<void> {
    const event = { type: "API.FETCH_AVAILABILITIES", payload: undefined } as const;
    const settlement = await connector.dispatch(event);
    // A new widget may have connected and loaded the team first.
    if (list.childElementCount > 0) return;
    if (isRejected(settlement))
      return showNote("failed", `The team could not be loaded: ${toBusError(event, settlement).message}`);
    const userIds = readUserIds(settlement.payload);
    if (userIds.length === 0) return showNote("empty", "There is nobody whom this page may see.");
    list.append(...userIds.map(createRow));
    countCallable(userIds);
    showNote(connector.state, NOTES[connector.state]);
  }

  function handleState(state: ConnectorState): void {
    if (state === "ready" && list.childElementCount === 0) {
      showNote("connecting", NOTES.connecting);
      void load();
    } else showNote(state, NOTES[state]);
  }

  function handleRecord(record: ConnectorRecord): void {
    if (list.childElementCount === 0 || connector.state !== "ready") return;
    const appearance = readAppearance(record);
    if (appearance) showNote(appearance, NOTES[appearance]);
  }

  connector.observe(handleRecord);
  connector.onStateChange(handleState);
  handleState(connector.state);
}

/** Reads the user ids of an unchecked response: the widget may be years newer than the page. */
function readUserIds(payload: unknown): readonly number[] {
  const userIds = Object.values(Object(payload)).map((availability): unknown => Object(availability).userId);
  return userIds.filter(isUserId).sort((a, b) => a - b);
}

function isUserId(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0;
}

/**
 * Returns the team's state after a connector's event, or `undefined` if the event has no effect. The widget announces the end
 * of a session, but not an unreachable backend: only the page's requests reveal the latter.
 */
function readAppearance(record: ConnectorRecord): "ready" | "unreachable" | "expired" | undefined {
  if (record.kind === "announced") {
    const { type } = record.event;
    // The size of the widget's view says nothing of the backend.
    return type === "AUTH.SESSION_EXPIRED" ? "expired" : type === "HOST.RESIZE" ? undefined : "ready";
  }
  if (record.kind !== "settled" || !BACKEND_REQUESTS.has(record.event.type)) return undefined;
  return isRejected(record.settlement) ? readRejection(record.settlement) : "ready";
}

function readRejection({ payload: { error }, meta: { status } }: Rejected): "ready" | "unreachable" | "expired" {
  if (status === 401) return "expired";
  return UNREACHABLE_CODES.has(Object(error).code) ? "unreachable" : "ready";
}

function createRow(userId: number): DocumentFragment {
  const view = openTemplate("team-row");
  view.write("name", agentNameOf(userId));
  view.write("id", String(userId));
  view.part("badge", HTMLElement).setAttribute("user-id", String(userId));
  return view.root;
}
