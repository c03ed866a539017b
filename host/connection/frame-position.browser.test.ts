/** Tests the observer of an iframe's position in a real document. */
import { expect, onTestFinished, test, vi } from "vitest";
import { observeFramePosition } from "./frame-position.ts";

interface Watched {
  readonly frame: HTMLIFrameElement;
  /** The parent of the iframe, and the grandparent `outer`. */
  readonly inner: HTMLElement;
  readonly outer: HTMLElement;
  /** The iframe's window at each call of `onChanged`, compared with the first window. A moved iframe has a new window. */
  readonly heard: () => readonly ("same" | "another" | "none")[];
  readonly stop: () => void;
}

/** Observes an iframe two elements below a parent. The default parent is the body. */
function watch(parent: Node = document.body): Watched {
  const [outer, inner, frame] = [
    document.createElement("div"),
    document.createElement("div"),
    document.createElement("iframe"),
  ];
  inner.append(frame);
  outer.append(inner);
  parent.appendChild(outer);
  const heard: ("same" | "another" | "none")[] = [];
  const { contentWindow } = frame;
  const stop = observeFramePosition(frame, () => {
    const present = frame.contentWindow;
    heard.push(present === contentWindow ? "same" : present ? "another" : "none");
  });
  onTestFinished(() => {
    stop();
    outer.remove();
  });
  return { frame, inner, outer, heard: () => heard, stop };
}

/** Waits for the next task, after all observers of the current task have run. */
const nextTask = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve));

test.for<["frame" | "inner" | "outer"]>([["frame"], ["inner"], ["outer"]])(
  "reports the removal of the %s at once",
  async ([what]) => {
    const watched = watch();
    watched[what].remove();
    await Promise.resolve();
    expect(watched.heard()).toEqual(["none"]);
  },
);

test.for<["frame" | "inner" | "outer"]>([["frame"], ["inner"], ["outer"]])(
  "reports a move of the %s at once, and its removal from the new parent",
  async ([what]) => {
    const watched = watch();
    const elsewhere = document.createElement("section");
    document.body.append(elsewhere);
    onTestFinished(() => elsewhere.remove());
    elsewhere.append(watched[what]);
    await Promise.resolve();
    expect(watched.heard()).toEqual(["another"]);
    elsewhere.remove();
    await Promise.resolve();
    expect(watched.heard()).toEqual(["another", "none"]);
  },
);

test("reports the removal of a shadow host, also across nested shadow roots", async () => {
  const hosts = [document.createElement("div"), document.createElement("div")] as const;
  document.body.append(hosts[0]);
  hosts[0].attachShadow({ mode: "closed" }).append(hosts[1]);
  const watched = watch(hosts[1].attachShadow({ mode: "closed" }));
  hosts[0].remove();
  await Promise.resolve();
  expect(watched.heard()).toEqual(["none"]);
});

test("does not report other changes of the page beside and below the iframe", async () => {
  const { heard, outer } = watch();
  const [main, text] = [document.createElement("main"), document.createElement("p")];
  onTestFinished(() => main.remove());
  document.body.append(main);
  await nextTask();
  // A new sibling of an ancestor calls `onChanged`, because the ancestor's parent is observed.
  expect(heard()).toEqual(["same"]);
  main.append(text);
  text.append("a page's own text");
  text.remove();
  outer.title = "a page's own title";
  await nextTask();
  expect(heard()).toEqual(["same"]);
});

test("reports no change after the observer has stopped", async () => {
  const { frame, heard, stop } = watch();
  stop();
  frame.remove();
  await nextTask();
  expect(heard()).toEqual([]);
});

test("reports a change within its task, before any timer of the page", async () => {
  const { frame, heard } = watch();
  const timer = vi.fn();
  setTimeout(timer);
  frame.remove();
  await Promise.resolve();
  expect(heard()).toHaveLength(1);
  expect(timer).not.toHaveBeenCalled();
});
