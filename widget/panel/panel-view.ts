/** The panel's markup. Each text is written as text, and each style by the sheet or by CSSOM, as the widget's policy demands. */
import { html, nothing, type TemplateResult } from "lit-html";
import { live } from "lit-html/directives/live.js";
import { repeat } from "lit-html/directives/repeat.js";
import { formatAgent, formatCount, formatStatus, formatTime } from "./format.ts";
import type { PlacedRow } from "./list-view.ts";
import { renderMark } from "./mark.ts";
import { type PanelActions, type PanelModel, readRemaining } from "./panel-model.ts";
import type { AgentRow, HeadingRow } from "./rows.ts";
import { CHOICES } from "./status-change.ts";

/** Renders the panel of a moment. */
export function renderPanel(model: PanelModel, actions: PanelActions): TemplateResult {
  return html`
    ${renderOwn(model, actions)}
    ${
      model.phase === "connecting"
        ? renderSkeleton(model)
        : model.phase === "ready" && model.total > 0
          ? renderTeam(model, actions)
          : renderNotice(model, actions)
    }
    ${renderSelection(model)} ${renderConnection(model, actions)}
  `;
}

function renderOwn(model: PanelModel, actions: PanelActions): TemplateResult {
  const { texts, own, ownRow, pending, failure } = model;
  // Without a team there is no own status, and the notice says why.
  if (model.phase !== "ready" && model.phase !== "connecting") return html``;
  const absent = model.phase === "ready" ? "unknown" : "loading";
  const isDisabled = own.obstacle !== undefined || !ownRow;
  // While connecting the token may still come, and a reason that goes again would move the list.
  const obstacle = model.phase === "connecting" ? undefined : own.obstacle;
  const hint = obstacle ? texts[obstacle] : failure ? texts[`change_${failure}`] : "";
  const chosen = pending ?? (ownRow && CHOICES.find(({ status }) => status === ownRow.availability.status));
  return html`<div class="own" data-pending=${pending !== undefined}>
    ${renderMark(ownRow?.status ?? absent, ownRow && readRemaining(ownRow.availability))}
    <label class="own-label" for="own-status">${texts.your_status}</label>
    <select
      id="own-status"
      ?disabled=${isDisabled}
      aria-describedby="own-hint"
      .value=${live(chosen?.word ?? "")}
      @change=${(event: Event) => event.currentTarget instanceof HTMLSelectElement && actions.choose(event.currentTarget.value)}
    >
      ${
        // The telephony system alone sets such a status.
        chosen
          ? nothing
          : html`<option value="" selected disabled>${ownRow ? formatStatus(ownRow, texts) : texts[absent]}</option>`
      }
      ${CHOICES.map(({ word, status }) => html`<option value=${word} ?selected=${word === chosen?.word}>${texts[status]}</option>`)}
    </select>
    <p id="own-hint" class=${failure ? "hint failure" : "hint"} role=${failure ? "alert" : nothing} ?hidden=${hint === ""}>${hint}</p>
  </div>`;
}

function renderTeam(model: PanelModel, actions: PanelActions): TemplateResult {
  const { texts, query, rows, selection } = model;
  const selectedId = selection?.userId;
  const isSelectedListed = rows.some((row) => row.kind === "agent" && row.availability.userId === selectedId);
  return html`<div class="search">
      <input
        type="search"
        aria-label=${texts.search}
        placeholder=${texts.search}
        autocomplete="off"
        spellcheck="false"
        .value=${live(query)}
        @input=${(event: Event) => event.currentTarget instanceof HTMLInputElement && actions.search(event.currentTarget.value)}
        @keydown=${actions.handleSearchKey}
      />
    </div>
    <div
      id="list"
      class="list"
      role="listbox"
      tabindex="0"
      aria-label=${texts.team}
      aria-activedescendant=${isSelectedListed ? `agent-${selectedId}` : nothing}
      data-stale=${model.isStale}
      ?hidden=${rows.length === 0}
      @keydown=${actions.handleListKey}
    >
      <div class="rows" role="presentation" .style=${`height:${model.height}px`}>
        ${repeat(
          toSections(model.placed),
          ({ status }) => status,
          (section) => renderSection(section, model, actions),
        )}
      </div>
    </div>
    ${
      rows.length === 0
        ? html`<div class="notice">
            <p role="status">${texts.no_match.replace("{query}", () => query)}</p>
            <button type="button" @click=${() => actions.search("")}>${texts.clear_search}</button>
          </div>`
        : nothing
    }`;
}

/** The rows of a status in the document. */
interface Section {
  readonly status: AgentRow["status"];
  readonly heading: PlacedRow | undefined;
  readonly agents: readonly (PlacedRow & { readonly row: AgentRow })[];
}

function toSections(placed: readonly PlacedRow[]): readonly Section[] {
  const statuses = [...new Set(placed.map(({ row }) => row.status))];
  return statuses.map((status) => ({
    status,
    heading: placed.find(({ row }) => row.kind === "heading" && row.status === status),
    agents: placed.filter(isAgent).filter(({ row }) => row.status === status),
  }));
}

function renderSection({ status, heading, agents }: Section, model: PanelModel, actions: PanelActions): TemplateResult {
  const { texts, rows, language } = model;
  const counted = rows.find((row): row is HeadingRow => row.kind === "heading" && row.status === status);
  const count = formatCount(counted?.count ?? 0, language);
  // A screen reader reads the group's name, also while the heading's row is not in the document.
  return html`<div role="group" aria-label=${`${texts[status]} (${count})`}>
    ${
      heading
        ? html`<p class="heading" aria-hidden="true" .style=${`top:${heading.top}px`}>${texts[status]}<span>${count}</span></p>`
        : nothing
    }
    ${repeat(
      agents,
      ({ row }) => row.availability.userId,
      (agent) => renderAgent(agent, model, actions),
    )}
  </div>`;
}

function isAgent(placed: PlacedRow): placed is Section["agents"][number] {
  return placed.row.kind === "agent";
}

function renderAgent(agent: Section["agents"][number], model: PanelModel, actions: PanelActions): TemplateResult {
  const { row, top, position, setSize } = agent;
  const { texts, selection, own, language } = model;
  const { userId } = row.availability;
  const remaining = readRemaining(row.availability);
  return html`<div
    id=${`agent-${userId}`}
    class="agent"
    role="option"
    aria-selected=${userId === selection?.userId}
    aria-posinset=${position}
    aria-setsize=${setSize}
    .style=${`top:${top}px`}
    @click=${() => actions.select(userId)}
  >
    ${renderMark(row.status, remaining)}
    <span class="name">${formatAgent(userId, texts)}${userId === own.userId ? html` <span class="you">${texts.you}</span>` : nothing}</span>
    <span class="status">${formatStatus(row, texts)}${remaining === undefined ? nothing : ` · ${formatTime(row.availability, language)}`}</span>
  </div>`;
}

/** Shows the places of the search, the list and the connection until the team is there. A screen reader reads one word in place of them. */
function renderSkeleton({ texts }: PanelModel): TemplateResult {
  return html`<p class="unseen" role="status">${texts.loading}</p>
    <div class="skeleton" aria-hidden="true">
      <div class="search"><i></i></div>
      <div class="list"><div class="bars"></div></div>
      <div class="connection"><i></i></div>
    </div>`;
}

/** Says why there is no list, and how to get a list. */
function renderNotice({ phase, texts }: PanelModel, actions: PanelActions): TemplateResult {
  const [title, hint] =
    phase === "ready"
      ? [texts.empty, texts.empty_hint]
      : phase === "signed_out"
        ? [texts.signed_out, texts.signed_out_hint]
        : phase === "team_not_allowed"
          ? [texts.team_not_allowed, texts.team_not_allowed_hint]
          : [texts.failed, texts.failed_hint];
  return html`<div class="notice">
    ${phase === "ready" ? nothing : renderMark("error")}
    <p class="notice-title" role="status">${title}</p>
    <p>${hint}</p>
    <button type="button" @click=${actions.retry} ?hidden=${phase === "ready"}>${texts.retry}</button>
  </div>`;
}

function renderSelection(model: PanelModel): TemplateResult {
  const { phase, selection, hasFailedRequest, texts, isStale, language } = model;
  // The parts around come with the team, and would move it.
  if (phase === "connecting") return html``;
  if (hasFailedRequest && !selection?.row) {
    return html`<div class="selection">${renderMark("error")}<p class="selection-title" role="status">${texts.agent_failed}</p></div>`;
  }
  if (!selection) return html``;
  const { userId, row, wasRemoved } = selection;
  const absent = wasRemoved ? "removed" : "unknown";
  const status = row ? formatStatus(row, texts) : texts[absent];
  const remaining = row && readRemaining(row.availability);
  return html`<div class="selection" data-stale=${isStale}>
    ${renderMark(row?.status ?? absent, remaining)}
    <p class="selection-title" role="status">${formatAgent(userId, texts)}: ${status}</p>
    <p class="selection-detail" ?hidden=${!row}>
      ${row ? (remaining === undefined ? texts[row.callable ? "callable" : "not_callable"] : texts.time_left.replace("{time}", () => formatTime(row.availability, language))) : nothing}
    </p>
  </div>`;
}

function renderConnection(
  { phase, isStale, texts, total, callable, language }: PanelModel,
  actions: PanelActions,
): TemplateResult {
  if (phase !== "ready") return html``;
  const counts = texts.callable_count
    .replace("{callable}", () => formatCount(callable, language))
    .replace("{total}", () => formatCount(total, language));
  return html`<div class="connection" data-stale=${isStale}>
    <span class="pulse" aria-hidden="true"></span>
    <p role="status">${isStale ? texts.reconnecting : texts.connected}</p>
    ${isStale ? html`<button type="button" @click=${actions.retry}>${texts.retry}</button>` : html`<p class="counts">${counts}</p>`}
  </div>`;
}
