/** Commands of a run: actions of the page, changes of agents, and faults. */
import fc from "fast-check";
import type { Status } from "../../gateway/store/agent.ts";
import type { Network, StreamFault } from "./model-gateway.ts";
import type { Address, Chunk, WidgetLoss } from "./model-page.ts";

/**
 * Fault of `fetchToken`, or of the gateway's check. While the gateway refuses every token, and after that until the end of all faults,
 * the page gives the same token.
 */
export type TokenFault = "works" | "fails" | "late" | "revoked" | "refused";

/** Step of a run, readable as JSON in a failure. */
export type Command =
  | { readonly wait: number }
  | { readonly setAgent: number; readonly status: Status }
  | { readonly removeAgent: number }
  | { readonly watch: readonly number[] }
  | { readonly unwatch: number }
  | { readonly addBadge: number }
  | { readonly removeBadge: number }
  | { readonly request: number; readonly timeoutMs: number; readonly abortAfterMs: number | null }
  | { readonly hidden: boolean }
  | { readonly network: Network }
  | { readonly streams: StreamFault }
  | { readonly holdStreams: boolean }
  | { readonly restartGateway: number }
  | { readonly widget: WidgetLoss }
  | { readonly hang: number }
  | { readonly frame: "take out" | "put back" }
  | { readonly address: Address }
  | { readonly chunk: Chunk }
  | { readonly token: TokenFault }
  | { readonly refreshToken: true }
  | { readonly added: readonly number[]; readonly removed: readonly number[] }
  | { readonly service: "BUS.INIT" | "BUS.DESTROY" }
  | { readonly sleep: number; readonly streams: "last" | "half-open"; readonly setAgent: number | null }
  | { readonly shiftWallClock: number }
  | { readonly destroy: true };

const userId = fc.integer({ min: 1, max: 3 });
const status = fc.constantFrom<Status>("available", "in_call", "offline");

const waiting = fc.record({
  wait: fc.constantFrom(0, 1, 3, 10, 40, 200, 1_000, 4_000, 9_000, 16_000, 31_000, 50_000, 50_000),
});

const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 8, arbitrary: waiting },
  { weight: 5, arbitrary: fc.record({ setAgent: userId, status }) },
  { weight: 1, arbitrary: fc.record({ removeAgent: userId }) },
  { weight: 3, arbitrary: fc.record({ watch: fc.uniqueArray(userId, { minLength: 1 }) }) },
  { weight: 2, arbitrary: fc.record({ unwatch: fc.nat(9) }) },
  { weight: 1, arbitrary: fc.record({ addBadge: userId }) },
  { weight: 1, arbitrary: fc.record({ removeBadge: fc.nat(9) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      request: userId,
      timeoutMs: fc.constantFrom(20, 800, 3_000, 10_000),
      abortAfterMs: fc.option(fc.constantFrom(0, 5, 30, 500)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ hidden: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      network: fc.constantFrom<Network>("works", "works", "offline", "silent", "silent", "slow", 500, 503, 429),
    }),
  },
  { weight: 1, arbitrary: fc.record({ streams: fc.constantFrom<StreamFault>("cut", "half-open") }) },
  { weight: 1, arbitrary: fc.record({ holdStreams: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ restartGateway: fc.constantFrom(200, 3_000) }) },
  { weight: 2, arbitrary: fc.record({ widget: fc.constantFrom<WidgetLoss>("reload", "crash", "close port") }) },
  { weight: 1, arbitrary: fc.record({ hang: fc.constantFrom(100, 3_000, 20_000, 60_000) }) },
  { weight: 1, arbitrary: fc.record({ frame: fc.constantFrom("take out", "put back") }) },
  { weight: 1, arbitrary: fc.record({ address: fc.constantFrom<Address>("widget", "error page", "nothing") }) },
  { weight: 1, arbitrary: fc.record({ chunk: fc.constantFrom<Chunk>("works", "missing", "late") }) },
  {
    weight: 1,
    arbitrary: fc.record({ token: fc.constantFrom<TokenFault>("works", "fails", "late", "revoked", "refused") }),
  },
  { weight: 1, arbitrary: fc.constant({ refreshToken: true } as const) },
  { weight: 1, arbitrary: fc.record({ added: fc.uniqueArray(userId), removed: fc.uniqueArray(userId) }) },
  { weight: 1, arbitrary: fc.record({ service: fc.constantFrom("BUS.INIT", "BUS.DESTROY") }) },
  {
    weight: 1,
    arbitrary: fc.record({
      sleep: fc.constantFrom(5_000, 600_000),
      streams: fc.constantFrom("last", "half-open"),
      setAgent: fc.option(userId),
    }),
  },
  { weight: 1, arbitrary: fc.record({ shiftWallClock: fc.constantFrom(-3_600_000, -1_000, 90_000, 3_600_000) }) },
);

/** Fault that outlasts the time limit, with a change. Random commands seldom come in this order. */
const longFault: fc.Arbitrary<readonly Command[]> = fc.tuple(
  fc.constantFrom<Command>(
    { token: "refused" },
    { network: "silent" },
    { network: "offline" },
    { network: 503 },
    { streams: "half-open" },
  ),
  fc.record({ setAgent: userId, status }),
  fc.record({ wait: fc.constantFrom(31_000, 50_000) }),
);

/** End of a session, and a watch after which the gateway accepts the same token again. */
const refusal: fc.Arbitrary<readonly Command[]> = fc.tuple(
  fc.constant<Command>({ token: "refused" }),
  fc.record({ request: userId, timeoutMs: fc.constant(3_000), abortAfterMs: fc.constant(null) }),
  waiting,
  fc.constant<Command>({ token: "works" }),
  fc.record({ watch: fc.uniqueArray(userId, { minLength: 1 }) }),
  fc.record({ setAgent: userId, status }),
  fc.record({ wait: fc.constantFrom(31_000, 50_000) }),
);

/** Run of the model. */
export interface ModelRun {
  /** True if the page has `fetchToken` and the gateway demands tokens. */
  readonly signsIn: boolean;
  /** True if the widget's frame is visible, so that the widget shows its panel. */
  readonly hasPanel: boolean;
  readonly seed: number;
  readonly commands: readonly Command[];
}

/** Draws runs. Most runs begin with a watch, because a page without a watch has no availability to lose. */
export function modelRuns(): fc.Arbitrary<ModelRun> {
  const step = fc.oneof(
    { weight: 20, arbitrary: fc.tuple(command) },
    { weight: 1, arbitrary: longFault },
    { weight: 1, arbitrary: refusal },
  );
  const commands = fc.array(step, { minLength: 1, maxLength: 24, size: "max" }).map((steps) => steps.flat());
  const begin = fc.option(fc.record({ watch: fc.uniqueArray(userId, { minLength: 1 }) }), { freq: 5 });
  return fc.record({
    signsIn: fc.boolean(),
    hasPanel: fc.boolean(),
    seed: fc.nat(),
    commands: fc
      .tuple(begin, commands)
      .map(([first, others]): readonly Command[] => (first ? [first, ...others] : others)),
  });
}
