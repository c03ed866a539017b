/** A page's actions on a connector's frame and its container. Each returns false if there was no target. */

import { setOwnTimeout } from "./leak-counters.ts";
import type { Slot } from "./report.ts";
import { inFlightOf, mustHaveSettled } from "./send-requests.ts";

/** Container of the left connector's frame. */
export const container = find("#left");

/** Sets the `src` of a connector's frame. */
export function setSrc(slot: Slot, src: string): boolean {
  const frame = frameOf(slot);
  if (frame) frame.src = src;
  return frame !== null;
}

/** Moves a frame or the container to another position, and back the next time. */
export function move(what: "frame" | "container", slot: Slot): boolean {
  const moved = what === "container" ? container : frameOf(slot);
  const elsewhere = find("#elsewhere");
  const home = slot === "right" ? document.body : what === "container" ? find("#place") : container;
  if (moved) (moved.parentElement === elsewhere ? home : elsewhere).append(moved);
  return moved !== null;
}

export const removeFrame = (slot: Slot): Promise<boolean> => remove(frameOf(slot), slot);
export const removeContainer = (): Promise<boolean> => remove(container, "left");
export const putContainerBack = (): void => find("#place").append(container);

/** Removing a frame settles every in-flight request of its connector at once. */
async function remove(element: Element | null, slot: Slot): Promise<boolean> {
  const frame = frameOf(slot);
  const inFlight = inFlightOf(slot);
  element?.remove();
  await new Promise<void>((resolve) => setOwnTimeout(resolve, 0));
  if (frame && !frame.isConnected) mustHaveSettled("the removal of its frame", inFlight);
  return element !== null;
}

function frameOf(slot: Slot): HTMLIFrameElement | null {
  return document.querySelector<HTMLIFrameElement>(`iframe[title="${slot}"]`);
}

function find(selector: string): Element {
  const element = document.querySelector(selector);
  if (!element) throw new Error(`The page has no ${selector}`);
  return element;
}
