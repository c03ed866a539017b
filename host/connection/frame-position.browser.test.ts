/** What is heard of a frame's place in a real document. */
import { expect, onTestFinished, test, vi } from "vitest";
import { observeFramePosition } from "./frame-position.ts";

interface Watched {
  readonly frame: HTMLIFrameElement;
  /** The element around the frame, and the one around that. */
  readonly inner: HTMLElement;
  readonly outer: HTMLElement;
  /** Which window the frame has, each time that something may have changed: a moved one has another. */
  readonly heard: () => readonly ("same" | "another" | "none")[];
  readonly stop: () => void;
}

/** Watches a frame two elements deep below a parent, which is the document's body where none is given. */
function watch(parent: Node = document.body): Watched {
  const [outer, inner, frame] = [
    document.createElement("div"),
    document.createElement("div"),
    document.createElement("iframe"),
  ];
  inner.append(frame);
  outer.append(inner);
  parent.appendChild(outer);
  const controller = new AbortController();
  const heard: ("same" | "another" | "none")[] = [];
  const { contentWindow } = frame;
  observeFramePosition(frame, controller.signal, () => {
    const present = frame.contentWindow;
    heard.push(present === contentWindow ? "same" : present ? "another" : "none");
  });
  const stop = (): void => controller.abort();
  onTestFinished(() => {
    stop();
    outer.remove();
  });
  return { frame, inner, outer, heard: () => heard, stop };
}

/** Ends the task, after which everything has been heard that is heard in it. */
const nextTask = (): Promise<unknown> => new Promise((resolve) => setTimeout(resolve));

test.for<["frame" | "inner" | "outer"]>([["frame"], ["inner"], ["outer"]])(
  "hears at once that the %s is taken out",
  async ([what]) => {
    const watched = watch();
    watched[what].remove();
    await Promise.resolve();
    expect(watched.heard()).toEqual(["none"]);
  },
);

test.for<["frame" | "inner" | "outer"]>([["frame"], ["inner"], ["outer"]])(
  "hears at once that the %s is moved, and of what befalls it there",
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

test("hears that the host of its shadow root is taken out, however deep", async () => {
  const hosts = [document.createElement("div"), document.createElement("div")] as const;
  document.body.append(hosts[0]);
  hosts[0].attachShadow({ mode: "closed" }).append(hosts[1]);
  const watched = watch(hosts[1].attachShadow({ mode: "closed" }));
  hosts[0].remove();
  await Promise.resolve();
  expect(watched.heard()).toEqual(["none"]);
});

test("hears that the frame around its document is taken out", async () => {
  const around = document.createElement("iframe");
  document.body.append(around);
  const body = around.contentDocument?.body;
  if (!body) throw new Error("A blank frame has a document");
  const watched = watch(body);
  around.remove();
  await Promise.resolve();
  expect(watched.heard()).toEqual(["none"]);
});

test("hears nothing of the page's other changes, beside the frame and below", async () => {
  const { heard, outer } = watch();
  const [main, text] = [document.createElement("main"), document.createElement("p")];
  onTestFinished(() => main.remove());
  document.body.append(main);
  await nextTask();
  // A sibling of a node above the frame: it has to be looked at.
  expect(heard()).toEqual(["same"]);
  main.append(text);
  text.append("a page's own text");
  text.remove();
  outer.title = "a page's own title";
  await nextTask();
  expect(heard()).toEqual(["same"]);
});

test("hears nothing once its signal has aborted", async () => {
  const { frame, heard, stop } = watch();
  stop();
  frame.remove();
  await nextTask();
  expect(heard()).toEqual([]);
});

test("hears of a change in the same task, before any timer of the page", async () => {
  const { frame, heard } = watch();
  const timer = vi.fn();
  setTimeout(timer);
  frame.remove();
  await Promise.resolve();
  expect(heard()).toHaveLength(1);
  expect(timer).not.toHaveBeenCalled();
});
