/** Entry of the panel's file: the widget's own view of the team, for a visible frame. */
import { render } from "lit-html";
import { writeColorRules } from "../../shared/looks/colors.ts";
import { createLanguage } from "./language.ts";
import { createListView } from "./list-view.ts";
import { readPageLook } from "./page-look.ts";
// Imported as text: a constructed style sheet saves a request and needs no exception in the content security policy.
import css from "./panel.css?inline";
import { createPanelActions } from "./panel-actions.ts";
import { createPanelState, type PanelContent } from "./panel-state.ts";
import { renderPanel } from "./panel-view.ts";
import type { Panel, PanelOptions } from "./services.ts";
import { createSizeAnnouncer } from "./size-announcer.ts";
import { applyTheme } from "./theme.ts";

/** Time between two renderings while a wrap-up time runs down, in milliseconds: the end shows at most so much later. */
const TICK_MS = 500;

/**
 * Time after which the panel shows itself without a page, in milliseconds: long enough for the page's theme to come, so that no
 * colour changes before the person's eyes.
 */
const LONE_MS = 1_000;

/** Creates the panel in the widget's document. The team shows as soon as a page is connected. */
export function createPanel(page: Document, options: PanelOptions): Panel {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(writeColorRules(":root") + css);
  // No landmark: the page around has its own.
  const root = page.createElement("div");
  root.id = "panel";
  page.body.append(root);
  const language = createLanguage(schedule);
  const state = createPanelState(options, schedule);
  const list = createListView(() => root.querySelector<HTMLElement>("#list"), scheduleDrawing);
  const actions = createPanelActions(root, state, list);
  const announceSize = createSizeAnnouncer(root, options.announceSize);
  let isScheduled = false;
  let isShown = false;
  let pageLook: string | undefined;
  let content: PanelContent | undefined;
  let isAttached = false;
  let ticking: ReturnType<typeof setTimeout> | undefined;

  /** Reads the state anew, and renders. */
  function schedule(): void {
    content = undefined;
    scheduleDrawing();
  }

  /** Renders once in the next frame of animation, after any number of changes. A scroll does not change the content. */
  function scheduleDrawing(): void {
    if (isScheduled || !isShown) return;
    isScheduled = true;
    requestAnimationFrame(() => {
      isScheduled = false;
      draw();
    });
  }

  function draw(): void {
    const { texts, tag } = language.current();
    // Kept for the whole of this function: a change of the state in between forgets `content`.
    const drawn = (content ??= state.read(texts));
    const { placed, height } = list.place(drawn.rows, drawn.selection?.userId);
    page.documentElement.lang = tag;
    page.documentElement.dir = new Intl.Locale(tag).language === "ar" ? "rtl" : "ltr";
    render(renderPanel({ ...drawn, texts, language: tag, placed, height }, actions), root);
    attachList();
    // Not for the results of a search: the frame would jump at each key.
    announceSize(drawn.phase === "ready" && drawn.query === "" ? height : 0);
    tick(drawn.hasWrapUp);
  }

  /** The list's element comes and goes with the team, and the virtualiser has to know the present element. */
  function attachList(): void {
    const isThere = root.querySelector("#list") !== null;
    if (isThere !== isAttached) {
      isAttached = isThere;
      list.attach();
      // The rows are the same, in other places.
      scheduleDrawing();
    }
  }

  /** Renders again soon while a wrap-up time runs down. */
  function tick(hasWrapUp: boolean): void {
    clearTimeout(ticking);
    if (hasWrapUp) ticking = setTimeout(schedule, TICK_MS);
  }

  function show(): void {
    if (isShown) return;
    isShown = true;
    // Not by `push`, which Chrome before 99 refuses.
    page.adoptedStyleSheets = [...page.adoptedStyleSheets, sheet];
    schedule();
  }

  function followLook(): void {
    const look = readPageLook(location.hash, pageLook);
    applyTheme(page.documentElement, look);
    language.use(look.language);
    schedule();
  }

  followLook();
  addEventListener("hashchange", followLook);
  setTimeout(show, LONE_MS);
  return {
    update(pageState) {
      state.update(pageState);
      pageLook = pageState.look;
      followLook();
      if (pageState.isConnected) show();
    },
  };
}
