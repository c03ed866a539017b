/** Tests mounted iframes and the search for copies in a real document. */
import { afterEach, expect, test } from "vitest";
import { findMounted, mountFrame, removeCopies } from "./frame.ts";

const SRC = new URL("about:blank");

afterEach(() => document.body.replaceChildren());

test("removes copies of its own iframes, however they came into the document, and no original", () => {
  const place = document.createElement("div");
  document.body.append(place);
  const originals = [mountFrame(SRC, place, "Phone"), mountFrame(SRC, undefined, "Phone")];
  document.body.append(place.cloneNode(true));
  document.body.insertAdjacentHTML("beforeend", place.innerHTML);
  expect(findMounted(document)).toHaveLength(4);
  removeCopies();
  expect([...findMounted(document)]).toEqual(originals);
});

test("removes an iframe of the page before a reload, and leaves those of the page itself and of other copies of the package", () => {
  const original = mountFrame(SRC, undefined, "Phone");
  const [name = ""] = original.getAttributeNames().filter((attribute) => attribute.startsWith("data-"));
  const [own, other, earlier] = [1, 2, 3].map(() => document.createElement("iframe"));
  other?.setAttribute(name, `${performance.timeOrigin}/0.5`);
  earlier?.setAttribute(name, `${performance.timeOrigin - 1}/0.5`);
  for (const frame of [own, other, earlier]) if (frame) document.body.append(frame);
  removeCopies();
  expect([original, own, other, earlier].map((frame) => frame?.isConnected)).toEqual([true, true, true, false]);
});
