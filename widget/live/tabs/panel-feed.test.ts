import { expect, test, vi } from "vitest";
import { createPanelFeed } from "./panel-feed.ts";

/** A panel's feed of a browser, over streams that the test drives. */
function setUp(document: EventTarget) {
  const events: string[] = [];
  const openNamed = (name: string) => () => {
    events.push(`open ${name}`);
    return {
      follow() {},
      checkConnection: () => events.push("check"),
      retryNow() {},
      close: () => events.push("close"),
    };
  };
  const openFeed = createPanelFeed({
    document,
    openOwnFeed: openNamed("own"),
    openFeed: openNamed("page's"),
    isVisible: () => true,
  });
  return { feed: openFeed({ onEvent: vi.fn() }), events };
}

const openInChromium = () => {
  const document = Object.assign(new EventTarget(), { onfreeze: null });
  return { ...setUp(document), freezeTab: () => document.dispatchEvent(new Event("freeze")) };
};

test("in Chromium closes its own stream before the tab is frozen, and opens another one afterwards", () => {
  const { feed, events, freezeTab } = openInChromium();
  feed.checkConnection();
  freezeTab();
  feed.checkConnection();
  expect(events).toEqual(["open own", "check", "close", "open own"]);
});

test("in Chromium waits for no freezing once it is closed", () => {
  const { feed, events, freezeTab } = openInChromium();
  feed.close();
  freezeTab();
  expect(events).toEqual(["open own", "close"]);
});

test("is the page's feed in a browser without the event", () => {
  const { events } = setUp(new EventTarget());
  expect(events).toEqual(["open page's"]);
});
