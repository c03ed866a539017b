/** Document of the page, with iframes and the widget's documents. */

import { createTimerQueue } from "../../shared/runtime/timer-queue.ts";
import { parseChangedAvailability } from "../../widget/gateway/changed-availability.ts";
import { createHttpGatewayClient } from "../../widget/gateway/http-gateway-client.ts";
import {
  createFeedEventParser,
  createLive,
  createLiveApi,
  createStreamFeed,
  onPageResume,
} from "../../widget/live/index.ts";
import { createWidget } from "../../widget/widget.ts";
import type { FakeClock } from "./fake-clock.ts";
import { type FrameWindow, openWidgetPort, type WidgetEnd } from "./memory-port.ts";
import { createModelPanel, type ModelPanel } from "./model-panel.ts";

/** Document loaded by an iframe: the widget, the browser's error page, or no document. */
export type Address = "widget" | "error page" | "nothing";

/** Result of a request for the live part of the widget. */
export type Chunk = "works" | "missing" | "late";

/** Loss of the widget. The page gets no event for a crash. */
export type WidgetLoss = "reload" | "crash" | "close port";

/** Error of a planned fault. */
export class PlannedError extends Error {
  override readonly name = "PlannedError";
}

/** The page's origin. */
export const PAGE_ORIGIN = "https://crm.example.com";

interface WidgetDocument {
  end: WidgetEnd;
  /** The widget's own view; `undefined` in a frame that does not show. */
  readonly panel: ModelPanel | undefined;
  /** Ends the document: no message crosses any more, and its own requests end. */
  unload(): void;
  readonly window: EventTarget & { readonly document: EventTarget & { visibilityState: string } };
}

/** Iframe with the members used by a connection. */
class FakeFrame extends EventTarget {
  contentWindow: ModelWindow | null = null;
  readonly parentNode = { removeChild: () => this.remove() };
  readonly #detach: (frame: FakeFrame) => void;

  constructor(detach: (frame: FakeFrame) => void) {
    super();
    this.#detach = detach;
  }

  get isConnected(): boolean {
    return this.contentWindow !== null;
  }

  get ownerDocument(): unknown {
    return document;
  }

  remove(): void {
    this.#detach(this);
  }
}

interface ModelWindow extends FrameWindow {
  document: WidgetDocument | undefined;
  isHung: boolean;
  isCrashed: boolean;
  /** Messages for a hanging document. */
  readonly untaken: (() => void)[];
}

export interface ModelPageOptions {
  readonly clock: FakeClock;
  readonly random: () => number;
  /** True if the frame is visible, so that the widget shows its panel. */
  readonly hasPanel: boolean;
  readonly onDefect: (error: unknown) => void;
}

/** Creates a visible page without an iframe, and makes it the global document. */
export function createModelPage({ clock, random, hasPanel, onDefect }: ModelPageOptions) {
  const pageEvents = new EventTarget();
  const fakeDocument = { hidden: false };
  const frames = new Set<FakeFrame>();
  const observers = new Set<() => void>();
  /** Iframes taken out of the document by the page. */
  const taken: FakeFrame[] = [];
  /** Iframes put back by the page. The connector may have mounted a new iframe in the meantime. */
  const returned = new Set<FakeFrame>();
  /** Loads waiting for the end of a fault. */
  const waiting = new Set<() => void>();
  let address: Address = "widget";
  let chunk: Chunk = "works";

  const latency = () => Math.floor(random() * 4);

  function createDelivery(window: () => ModelWindow) {
    let lastAt = 0;
    return (arrive: () => void): void => {
      lastAt = Math.max(lastAt, clock.now() + latency());
      clock.setTimer(() => {
        const { isHung, isCrashed, untaken } = window();
        if (isCrashed) return;
        if (isHung || untaken.length > 0) untaken.push(arrive);
        else arrive();
      }, lastAt - clock.now());
    };
  }

  function createWindow(): ModelWindow {
    const window: ModelWindow = {
      pagePort: undefined,
      widgetPort: undefined,
      toPage: createDelivery(() => window),
      toWidget: createDelivery(() => window),
      document: undefined,
      isHung: false,
      isCrashed: false,
      untaken: [],
    };
    return window;
  }

  function waitUntilHealed(): Promise<void> {
    return new Promise((resolve) => waiting.add(resolve));
  }

  async function loadChunk(): Promise<void> {
    if (chunk === "missing") {
      // As long as the network takes: a service and a watch that the page sends together share the attempt.
      await new Promise<void>((resolve) => clock.setTimer(resolve, 20));
      throw new PlannedError("The live part is missing");
    }
    if (chunk === "late") await waitUntilHealed();
  }

  /** Starts the widget's script, as `widget/start-widget.ts` does. */
  function startDocument(frame: FakeFrame, window: ModelWindow): WidgetDocument {
    let isUnloaded = false;
    const visible = fakeDocument.hidden ? "hidden" : "visible";
    const fakeWindow = Object.assign(new EventTarget(), {
      document: Object.assign(new EventTarget(), { visibilityState: visible }),
    });
    const widget = createWidget({
      post: (event) => opened.end.post(event),
      pageOrigin: () => PAGE_ORIGIN,
      createGateway: (session) => createHttpGatewayClient(new URL("https://widget.example.com/v1/"), session),
      async loadLive({ openLive }, options) {
        await loadChunk();
        const api = createLiveApi({ openLive, parseChanged: parseChangedAvailability });
        const parseEvent = createFeedEventParser(parseChangedAvailability);
        const openFeed = createStreamFeed({ ...api, parseEvent, onDefect, random, createTimers: createTimerQueue });
        const isVisible = (): boolean => fakeWindow.document.visibilityState === "visible";
        const live = createLive({ ...options, openFeed, isVisible });
        onPageResume(fakeWindow, live.checkConnection);
        return live;
      },
      reloadDocument: () => load(frame),
      onIdentityChanged() {},
      onDefect,
    });
    const panel = hasPanel ? createModelPanel(widget.panelServices, clock) : undefined;
    function openPort(): WidgetEnd {
      return openWidgetPort(window, { onHandshake: reset, onClosed: handleClosed }, async (event) => {
        widget.prefetch();
        panel?.setConnected(true);
        return widget.dispatch(event);
      });
    }
    function reset(): void {
      widget.reset();
      panel?.setConnected(false);
    }
    function handleClosed(): void {
      reset();
      if (!isUnloaded) opened.end = openPort();
    }
    const opened: WidgetDocument = {
      end: openPort(),
      panel,
      window: fakeWindow,
      unload() {
        isUnloaded = true;
        opened.end.cut();
        reset();
      },
    };
    return opened;
  }

  /** Loads the iframe's address in its window. */
  function load(frame: FakeFrame): void {
    const window = frame.contentWindow;
    if (!window) return;
    unload(window);
    window.isHung = false;
    window.untaken.length = 0;
    clock.setTimer(
      () => {
        void finishLoad(frame, window);
      },
      20 + Math.floor(random() * 100),
    );
  }

  async function finishLoad(frame: FakeFrame, window: ModelWindow): Promise<void> {
    if (address === "nothing") await waitUntilHealed();
    if (frame.contentWindow !== window || window.isCrashed || window.document) return;
    if (address !== "error page") window.document = startDocument(frame, window);
    clock.setTimer(() => {
      if (frame.contentWindow === window && !window.isCrashed) frame.dispatchEvent(new Event("load"));
    }, latency());
  }

  function unload(window: ModelWindow): void {
    window.document?.unload();
    window.document = undefined;
    window.widgetPort = undefined;
  }

  function attach(frame: FakeFrame): void {
    frame.contentWindow = createWindow();
    frames.add(frame);
    load(frame);
  }

  function detach(frame: FakeFrame): void {
    if (frame.contentWindow) unload(frame.contentWindow);
    frame.contentWindow = null;
    frames.delete(frame);
  }

  function notifyObservers(): void {
    queueMicrotask(() => {
      // A called observer observes again.
      const present = [...observers];
      for (const notify of present) notify();
    });
  }

  function dispatchVisibilityChange(): void {
    pageEvents.dispatchEvent(new Event("visibilitychange"));
    for (const { contentWindow } of frames) {
      const own = contentWindow?.document?.window.document;
      if (!own) continue;
      own.visibilityState = fakeDocument.hidden ? "hidden" : "visible";
      own.dispatchEvent(new Event("visibilitychange"));
    }
  }

  function eachWindow(act: (window: ModelWindow, frame: FakeFrame) => void): void {
    for (const frame of frames) if (frame.contentWindow) act(frame.contentWindow, frame);
  }

  function healLoading(): void {
    for (const resolve of waiting) clock.setTimer(resolve, latency());
    waiting.clear();
  }

  function stopHanging(window: ModelWindow): void {
    if (!window.isHung) return;
    window.isHung = false;
    takeNext(window);
  }

  /** Delivers the oldest message of a document that was hung. Each message has a task of its own, as in a browser. */
  function takeNext(window: ModelWindow): void {
    if (window.isHung || window.isCrashed) return;
    window.untaken.shift()?.();
    if (window.untaken.length > 0) clock.setTimer(() => takeNext(window), 0);
  }

  class FakeObserver {
    readonly #callback: () => void;
    constructor(callback: () => void) {
      this.#callback = callback;
    }
    observe(): void {
      observers.add(this.#callback);
    }
    /** Returns nothing, because a change of the model calls the callbacks at once. */
    takeRecords(): readonly never[] {
      return [];
    }
    disconnect(): void {
      observers.delete(this.#callback);
    }
  }

  const globals: Readonly<Record<string, unknown>> = {
    document: fakeDocument,
    addEventListener: pageEvents.addEventListener.bind(pageEvents),
    removeEventListener: pageEvents.removeEventListener.bind(pageEvents),
    MutationObserver: FakeObserver,
  };

  return {
    globals,
    /** Number of iframes in the document, without iframes put back by the page. */
    frameCount: () => [...frames].filter((frame) => !returned.has(frame)).length,
    isHidden: () => fakeDocument.hidden,
    /** Panels of the documents that run. */
    panels: () =>
      [...frames].flatMap(({ contentWindow }) =>
        contentWindow && !contentWindow.isHung ? (contentWindow.document?.panel ?? []) : [],
      ),
    /**
     * True if the connector has a port to a crashed or hanging widget, or none at all while there is a crashed one: its iframe, put back
     * before it crashed, sends no `load`, and only the silence after the next attempt shows the crash.
     */
    hasLostWidget: () => {
      const windows = [...frames].flatMap(({ contentWindow }) => contentWindow ?? []);
      const connected = windows.filter(({ pagePort }) => pagePort && !pagePort.isClosed);
      const isLost = connected.some(({ isCrashed, isHung }) => isCrashed || isHung);
      return isLost || (connected.length === 0 && windows.some(({ isCrashed }) => isCrashed));
    },
    /** True if a document that loads gets no answer, and so no `load` event. */
    isAddressSilent: () => address === "nothing",
    /** True if the document has an iframe with a crashed widget. */
    hasCrashedWidget: () => [...frames].some(({ contentWindow }) => contentWindow?.isCrashed),
    mount(): FakeFrame {
      const frame = new FakeFrame(detach);
      attach(frame);
      return frame;
    },
    setHidden(isHidden: boolean): void {
      if (fakeDocument.hidden === isHidden) return;
      fakeDocument.hidden = isHidden;
      dispatchVisibilityChange();
    },
    setAddress(next: Address): void {
      address = next;
      if (address === "widget") healLoading();
    },
    setChunk(next: Chunk): void {
      chunk = next;
      if (chunk === "works") healLoading();
    },
    loseWidget(how: WidgetLoss): void {
      eachWindow((window, frame) => {
        if (window.isCrashed) return;
        if (how === "reload") load(frame);
        else if (how === "close port") window.document?.end.close();
        else {
          window.isCrashed = true;
          window.document?.unload();
        }
      });
    },
    hang(milliseconds: number): void {
      eachWindow((window) => {
        window.isHung = true;
        clock.setTimer(() => stopHanging(window), milliseconds);
      });
    },
    moveFrame(how: "take out" | "put back"): void {
      if (how === "take out") taken.push(...frames);
      for (const frame of how === "take out" ? frames : taken.splice(0)) {
        if (how === "take out") detach(frame);
        else {
          returned.add(frame);
          attach(frame);
        }
      }
      notifyObservers();
    },
    /** Ends all faults except a crash: the connector has to notice a crash. */
    heal(): void {
      address = "widget";
      chunk = "works";
      healLoading();
      eachWindow(stopHanging);
    },
  };
}

export type ModelPage = ReturnType<typeof createModelPage>;
