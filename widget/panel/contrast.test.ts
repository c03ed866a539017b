import { expect, test } from "vitest";
import { mendContrast, readContrast } from "./contrast.ts";

test("reads the contrast of black and white, and of a colour with itself", () => {
  expect(readContrast("#000000", "#ffffff")).toBeCloseTo(21);
  expect(readContrast("#1d4f91", "#1d4f91")).toBe(1);
});

test("leaves a colour that can be read", () => {
  expect(mendContrast("#1d4f91", "#edf0f4")).toBe("#1d4f91");
});

test("makes every other colour one that can be read, on each background", () => {
  const parts = ["00", "40", "80", "c0", "ff"];
  const colors = parts.flatMap((red) => parts.flatMap((green) => parts.map((blue) => `#${red}${green}${blue}`)));
  for (const background of ["#ffffff", "#edf0f4", "#293039", "#181c22"]) {
    for (const color of colors) {
      expect(
        readContrast(mendContrast(color, background), background),
        `${color} on ${background}`,
      ).toBeGreaterThanOrEqual(4.5);
    }
  }
});

test("keeps the hue of a colour that it mends", () => {
  expect(mendContrast("#ffff00", "#ffffff")).toMatch(/^#([4-8][0-9a-f])\1[0-9a-f]{2}$/);
});
