import { describe, expect, test } from "vitest";
import { COLORS, STATE_COLORS, writeColorRules } from "./colors.ts";
import { MARKS, WRAP_UP_RING } from "./marks.ts";

/** Returns the contrast of two colours as WCAG 2 defines it. */
function readContrast(one: string, other: string): number {
  const luminance = (color: string): number => {
    const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
      const channel = Number.parseInt(color.slice(at, at + 2), 16) / 255;
      return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (lighter + 0.05) / (darker + 0.05);
}

describe.each([
  ["light", 0, "#ffffff"],
  ["dark", 1, "#000000"],
] as const)("the %s colours", (_theme, index, page) => {
  const surface = COLORS.surface[index];

  test.each(Object.keys(COLORS).filter((name) => name !== "surface"))("%s has a contrast of 4.5", (name) => {
    const color = Object.entries(COLORS).find(([each]) => each === name)?.[1][index] ?? "";
    expect(readContrast(color, surface)).toBeGreaterThanOrEqual(4.5);
    expect(readContrast(color, page)).toBeGreaterThanOrEqual(4.5);
  });
});

test("each state that people must tell apart has a mark of its own", () => {
  const { unknown, not_allowed, removed, ...marks } = MARKS;
  expect(new Set(Object.values(marks)).size).toBe(Object.keys(marks).length);
  expect([not_allowed, removed]).toEqual([unknown, unknown]);
});

test("each mark is closed paths", () => {
  for (const [state, path] of Object.entries({ ...MARKS, ring: WRAP_UP_RING })) {
    expect(path, state).toMatch(/^M[-\d. MmLlHhVvAaQqz]+z$/);
  }
});

test("each colour can be replaced by the page, and has a light default for browsers without light-dark()", () => {
  const rules = writeColorRules(":host");
  for (const [name, [light, dark]] of Object.entries(COLORS)) {
    expect(rules).toContain(`--${name}:var(--availability-${name},${light})`);
    expect(rules).toContain(`--${name}:var(--availability-${name},light-dark(${light},${dark}))`);
  }
  expect(Object.keys(STATE_COLORS).sort()).toEqual(Object.keys(MARKS).sort());
});
