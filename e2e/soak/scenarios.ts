/** The scenarios that the soak repeats. */

export interface Scenario {
  readonly title: string;
  /** Name of the action in the page. */
  readonly action: "connectAndDestroy" | "ask" | "forget" | "forgetBare";
  /** Name of a repetition. */
  readonly unit: "cycle" | "request";
  /** Number of measured repetitions. */
  readonly times: number;
  /** Allowed growth of the heap per repetition, in bytes: see `docs/test-under-faults.md`. */
  readonly heapFloor: number;
  /** True to measure the widget's process as well. */
  readonly isWidgetMeasured: boolean;
  /** True for a known leak: a control, which shows that the soak detects leaks. */
  readonly isControl: boolean;
}

export interface ScenarioCounts {
  readonly cycles: number;
  readonly requests: number;
  readonly forgotten: number;
}

/** Allowed growth per connection, in bytes: less than the smallest part of a connector, a function with its scope. */
const CONNECTION_FLOOR = 50;

/** Allowed growth per request, in bytes: less than the smallest object, which takes 12. */
const REQUEST_FLOOR = 8;

/** Creates the scenarios with their numbers of repetitions. */
export function scenariosFor({ cycles, requests, forgotten }: ScenarioCounts): readonly Scenario[] {
  const cycle = { unit: "cycle", heapFloor: CONNECTION_FLOOR, isWidgetMeasured: false, isControl: false } as const;
  return [
    { ...cycle, title: "connect, 10 requests, destroy", action: "connectAndDestroy", times: cycles },
    { ...cycle, title: "the page only removes the frame", action: "forget", times: forgotten },
    { ...cycle, title: "control: the same with bare penpal", action: "forgetBare", times: forgotten, isControl: true },
    {
      title: "requests on one connector",
      action: "ask",
      unit: "request",
      times: requests,
      heapFloor: REQUEST_FLOOR,
      isWidgetMeasured: true,
      isControl: false,
    },
  ];
}
