/**
 * The badge of the script tag. The element is defined at once, and its code is loaded with the first badge that comes into the page,
 * also into a shadow root.
 */
import type { Connector } from "../connector.ts";
import { loadFile } from "../load-file.ts";
import { warnOnce } from "../warn.ts";
import { type BadgeEvents, defineBadgeElement, isDefinedByOthers } from "./badge-element.ts";
import type { BadgeExtras } from "./badge-extras.ts";

/** Name and integrity of the badge's file, which the build writes. The file lies beside the script. */
declare const BADGE_FILE: string;
declare const BADGE_INTEGRITY: string;

/** Loads a file beside the script, which must have this integrity. */
type LoadFile = (file: string, integrity: string) => void;

/** The class of the element, by which the badge's files and the languages' files pass their parts to one another. */
export interface BadgeLoader extends CustomElementConstructor {
  showBadges?(create: (connector: Connector, loadFile: LoadFile, warn: typeof warnOnce) => BadgeEvents): void;
  /** Adds what few badges need. */
  addExtras?(create: (loadFile: LoadFile, warn: typeof warnOnce, renderAll: () => void) => BadgeExtras): void;
  /** Adds the texts of a language. */
  addTexts?: BadgeExtras["add"];
}

/**
 * Defines the element, unless the page has defined it already, and requests the file with the first badge.
 *
 * @param tag the script tag: the file has its address and its nonce.
 */
export function defineBadgeOnDemand(tag: HTMLScriptElement, connector: Connector): void {
  if (isDefinedByOthers()) return;
  /** Badges in the page. */
  const present = new Set<HTMLElement>();
  let badges: BadgeEvents | undefined;
  let isLoading = false;

  function load(file: string, integrity: string): void {
    loadFile(tag, file, integrity, () => (isLoading = present.size > 0));
  }

  const element: BadgeLoader = defineBadgeElement({
    onConnected(badge) {
      present.add(badge);
      if (badges) badges.onConnected(badge);
      else if (!isLoading) load(BADGE_FILE, BADGE_INTEGRITY);
    },
    onChanged: (badge, name) => badges?.onChanged(badge, name),
    onDisconnected(badge) {
      present.delete(badge);
      badges?.onDisconnected(badge);
    },
  });
  element.showBadges = (create) => {
    badges = create(connector, load, warnOnce);
    // Each in a microtask: the browser reports an error there. Here it would reject the import, as if the file could not be loaded.
    for (const badge of present) queueMicrotask(() => badges?.onConnected(badge));
  };
}
