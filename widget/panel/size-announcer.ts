/** Announces the size of the panel's whole content, for the page to give the frame. */

/** The size of the panel's content, in CSS pixels. */
export interface ContentSize {
  readonly width: number;
  readonly height: number;
}

/** Least width for the panel without bad line breaks. */
const MIN_WIDTH = 320;

/**
 * Returns a function that announces the size of the content in `root`, after a change. The caller calls the function once in a frame of animation.
 * The size does not follow from the frame's height, so that a page with frames of the announced size starts no loop.
 */
export function createSizeAnnouncer(
  root: HTMLElement,
  announce: (size: ContentSize) => void,
): (listHeight: number) => void {
  let last = 0;
  return (listHeight) => {
    // Without a list the notice fits into every frame.
    if (listHeight === 0) return;
    let height = listHeight;
    for (const part of root.children) {
      // The list scrolls: of the element's height only the border counts.
      if (part.id === "list") height += Number.parseFloat(getComputedStyle(part).borderTopWidth);
      else height += part.getBoundingClientRect().height;
    }
    height = Math.ceil(height);
    if (height === last) return;
    last = height;
    announce({ width: MIN_WIDTH, height });
  };
}
