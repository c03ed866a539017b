/** What the soak does again and again. */

export interface Scenario {
  readonly title: string;
  /** What is done, by its name in the page. */
  readonly action: "connectAndDestroy" | "ask" | "forget" | "forgetBare";
  /** What one of it is called. */
  readonly unit: "cycle" | "request";
  /** How often it is done while it is measured. */
  readonly times: number;
  /** How much of the heap may stay each time, in bytes: see `docs/test-under-faults.md`. */
  readonly heapFloor: number;
  /** Whether the widget's process is measured as well. */
  readonly isWidgetMeasured: boolean;
  /** Whether it is known to leak: a control, which shows that a leak would be seen. */
  readonly isControl: boolean;
}

export interface ScenarioCounts {
  readonly cycles: number;
  readonly requests: number;
  readonly forgotten: number;
}

/** What a connection may keep, in bytes: less than the smallest part of a connector, which is a function with its scope. */
const CONNECTION_FLOOR = 50;

/** What a request may keep, in bytes: less than the smallest object, which takes 12. */
const REQUEST_FLOOR = 8;

/** The scenarios, each with its share of what is to be done. */
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
