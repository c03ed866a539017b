/** The commands of the runs with watches, with their weights. */
import fc from "fast-check";
import type { Status } from "../../../gateway/store/agent.ts";
import { TABS, type Tab } from "./observations.ts";
import { scaled } from "./scaled-time.ts";
import type { WatchContext } from "./watch-context.ts";
import { USER_IDS, type WatchModel } from "./watch-model.ts";
import { PART_MODES, PARTS } from "./watched-site.ts";

export type WatchCommand = fc.AsyncCommand<WatchModel, WatchContext>;

interface CommandOptions {
  readonly name: string;
  readonly canHappen?: (model: Readonly<WatchModel>) => boolean;
  /** Runs the command and updates the model. */
  readonly happen: (context: WatchContext, model: WatchModel) => Promise<unknown>;
}

function command({ name, canHappen, happen }: CommandOptions): WatchCommand {
  return {
    toString: () => name,
    check: (model) => canHappen?.(model) ?? true,
    async run(model, context) {
      model.happened.push(name);
      await happen(context, model);
    },
  };
}

const tabs = fc.constantFrom(...TABS);
const userIds = fc.constantFrom(...USER_IDS);
const statuses = fc.constantFrom<Status>(
  "available",
  "in_call",
  "offline",
  "on_mobile",
  "do_not_disturb",
  "on_a_break",
);

const changes = fc.tuple(userIds, statuses).map(([userId, status]) =>
  command({
    name: `user ${userId} becomes ${status}`,
    canHappen: (model) => model.statuses.get(userId) !== status,
    async happen(context, model) {
      model.statuses.set(userId, status);
      await context.site.setStatus(userId, status);
    },
  }),
);

const removals = userIds.map((userId) =>
  command({
    name: `user ${userId} is removed`,
    canHappen: (model) => model.statuses.has(userId),
    async happen(context, model) {
      model.statuses.delete(userId);
      await context.site.remove(userId);
    },
  }),
);

/** Most pauses are short, so that faults meet. A few are as long as the limit of the guarantee. */
const pauses = fc
  .oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 600 }) },
    { weight: 1, arbitrary: fc.constant(Math.round(scaled(50))) },
  )
  .map((ms) => command({ name: `pause ${ms} ms`, happen: (context) => context.pause(ms) }));

const partFaults = fc.tuple(fc.constantFrom(...PARTS), fc.constantFrom(...PART_MODES)).map(([part, mode]) =>
  command({
    name: `${part} ${mode}`,
    // Only a lasting connection can be half-open.
    canHappen: (model) => (model.modes.get(part) ?? "works") !== mode && (mode !== "is half-open" || part === "stream"),
    async happen(context, model) {
      const before = model.modes.get(part) ?? "works";
      model.modes.set(part, mode);
      await context.setPart(part, mode, before);
    },
  }),
);

const cuts = fc.constant(command({ name: "streams cut", happen: (context) => context.cutStreams() }));

/** A part of the environment, working or broken. */
function switching(
  key: "isOnline" | "isAccepting",
  names: readonly [off: string, on: string],
  turn: (context: WatchContext, to: boolean) => Promise<void>,
): fc.Arbitrary<WatchCommand> {
  return fc.boolean().map((to) =>
    command({
      name: names[to ? 1 : 0],
      canHappen: (model) => model[key] !== to,
      async happen(context, model) {
        model[key] = to;
        await turn(context, to);
      },
    }),
  );
}

const servers = fc.tuple(fc.boolean(), fc.boolean()).map(([to, keepsHistory]) =>
  command({
    name: to ? `gateway starts ${keepsHistory ? "with" : "without"} its history` : "gateway stops",
    canHappen: (model) => model.isServing !== to,
    async happen(context, model) {
      model.isServing = to;
      await context.setServing(to, keepsHistory);
    },
  }),
);

const tokens = fc.tuple(tabs, fc.constantFrom("gives", "fails", "hangs")).map(([tab, mode]) =>
  command({
    name: `${tab}: fetchToken ${mode}`,
    canHappen: (model) => model.openTabs.has(tab) && (model.tokenModes.get(tab) ?? "gives") !== mode,
    async happen(context, model) {
      const before = model.tokenModes.get(tab) ?? "gives";
      model.tokenModes.set(tab, mode);
      await context.setTokenMode(tab, mode, before);
    },
  }),
);

const revocations = fc.constant(command({ name: "tokens revoked", happen: (context) => context.revokeTokens() }));

const clocks = fc
  .constantFrom<readonly [name: string, act: (context: WatchContext) => Promise<void>]>(
    ["the wall clock goes forward an hour", (context) => context.jumpClock(1)],
    ["the wall clock goes back an hour", (context) => context.jumpClock(-1)],
    ["the machine sleeps for an hour", (context) => context.sleep()],
  )
  .map(([name, act]) => command({ name, happen: act }));

/** Faults of the frames of a tab. */
const FRAME_FAULTS = {
  "widget reloads": (context, tab) => context.reload(tab),
  "widget navigates itself away": (context, tab) => context.leave(tab),
  "src set anew": (context, tab) => context.setSrc(tab, "/widget/?again-"),
  "src set to another page": (context, tab) => context.setSrc(tab, "/elsewhere?"),
  "iframe removed": (context, tab) => context.removeFrame(tab),
  "iframe out and in again in one task": (context, tab) => context.takeFrameOut(tab, undefined),
  "iframe out and in again": (context, tab) => context.takeFrameOut(tab, 30),
  "container moved": (context, tab) => context.moveContainer(tab),
} satisfies Readonly<Record<string, (context: WatchContext, tab: Tab) => Promise<void>>>;

const frameFaults = fc
  .tuple(tabs, fc.constantFrom(...(Object.keys(FRAME_FAULTS) as (keyof typeof FRAME_FAULTS)[])))
  .map(([tab, fault]) =>
    command({
      name: `${tab}: ${fault}`,
      canHappen: (model) => model.openTabs.has(tab) && !model.tabsWithoutContainer.has(tab),
      happen: (context) => FRAME_FAULTS[fault](context, tab),
    }),
  );

const crashes = tabs.map((tab) =>
  command({
    name: `${tab}: widget crashes`,
    canHappen: (model) => model.openTabs.has(tab),
    happen: (context) => context.crash(tab),
  }),
);

const hangs = fc.tuple(tabs, fc.integer({ min: 100, max: 2_500 })).map(([tab, ms]) =>
  command({
    name: `${tab}: widget hangs for ${ms} ms`,
    canHappen: (model) => model.openTabs.has(tab),
    happen: (context) => context.hang(tab, ms),
  }),
);

/** A state of a tab, on or off. */
function tabSwitching(
  key: "hiddenTabs" | "tabsWithoutContainer",
  names: readonly [on: string, off: string],
  turn: (context: WatchContext, tab: Tab, isIn: boolean) => Promise<void>,
): fc.Arbitrary<WatchCommand> {
  return fc.tuple(tabs, fc.boolean()).map(([tab, isIn]) =>
    command({
      name: `${tab}: ${names[isIn ? 0 : 1]}`,
      canHappen: (model) => model.openTabs.has(tab) && model[key].has(tab) !== isIn,
      async happen(context, model) {
        if (isIn) model[key].add(tab);
        else model[key].delete(tab);
        await turn(context, tab, isIn);
      },
    }),
  );
}

/** The second tab comes and goes. */
const secondTab = fc.boolean().map((isOpen) =>
  command({
    name: `second tab ${isOpen ? "opened" : "closed"}`,
    // Without a network the page cannot be loaded.
    canHappen: (model) => model.openTabs.has("second") !== isOpen && (model.isOnline || !isOpen),
    async happen(context, model) {
      if (isOpen) {
        model.openTabs.add("second");
      } else {
        model.openTabs.delete("second");
        model.hiddenTabs.delete("second");
        model.tabsWithoutContainer.delete("second");
        model.tokenModes.delete("second");
        model.added = model.added.filter(({ tab }) => tab !== "second");
      }
      await context.setTab("second", isOpen);
    },
  }),
);

const additions = fc.tuple(tabs, userIds, fc.constantFrom("listener", "badge")).map(([tab, userId, kind]) =>
  command({
    name: `${tab}: another ${kind} of user ${userId}`,
    canHappen: (model) => model.openTabs.has(tab),
    async happen(context, model) {
      model.added.push({ kind, tab, count: await context.addObserver(kind, tab, userId) });
    },
  }),
);

const departures = fc.nat(10).map((position) =>
  command({
    name: `added observer ${position} ends`,
    canHappen: ({ added }) => position < added.length,
    async happen(context, model) {
      const [ended] = model.added.splice(position, 1);
      if (ended) await context.stopObserver(ended.kind, ended.tab, ended.count);
    },
  }),
);

const badgeMoves = fc.nat(10).map((position) =>
  command({
    name: `added badge ${position} moves`,
    canHappen: ({ added }) => added[position]?.kind === "badge",
    async happen(context, { added }) {
      const moved = added[position];
      if (moved) await context.moveBadge(moved.tab, moved.count);
    },
  }),
);

/** Commands with their weights. */
const anything = fc.oneof(
  { weight: 24, arbitrary: changes },
  { weight: 3, arbitrary: removals },
  { weight: 14, arbitrary: pauses },
  { weight: 14, arbitrary: partFaults },
  { weight: 4, arbitrary: cuts },
  { weight: 6, arbitrary: servers },
  { weight: 5, arbitrary: tokens },
  { weight: 3, arbitrary: revocations },
  { weight: 3, arbitrary: clocks },
  { weight: 12, arbitrary: frameFaults },
  { weight: 1, arbitrary: crashes },
  { weight: 1, arbitrary: hangs },
  {
    weight: 3,
    arbitrary: switching("isOnline", ["offline", "online"], (context, to) => context.setOnline(to)),
  },
  {
    weight: 3,
    arbitrary: switching("isAccepting", ["gateway rejects all tokens", "gateway accepts tokens"], (context, to) =>
      context.setAccepting(to),
    ),
  },
  {
    weight: 4,
    arbitrary: tabSwitching("hiddenTabs", ["hidden", "visible"], (context, tab, isHidden) =>
      context.setVisible(tab, !isHidden),
    ),
  },
  {
    weight: 4,
    arbitrary: tabSwitching(
      "tabsWithoutContainer",
      ["container removed", "container put back"],
      (context, tab, isOut) => context.setContainerIn(tab, !isOut),
    ),
  },
  { weight: 4, arbitrary: secondTab },
  { weight: 5, arbitrary: additions },
  { weight: 3, arbitrary: departures },
  { weight: 2, arbitrary: badgeMoves },
);

/** Generates lists of commands. */
export function watchCommands(): fc.Arbitrary<Iterable<WatchCommand>> {
  return fc.commands([anything], { maxCommands: 60, size: "max" });
}
