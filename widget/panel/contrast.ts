/** Contrast of colours as WCAG 2 defines it. Colours are `#rrggbb`. */

/** Least contrast of a text to the background (AA). */
const MIN_CONTRAST = 4.5;

/** Steps from the given colour to black or white. */
const STEPS = 20;

/** Returns the contrast of two colours, from 1 to 21. */
export function readContrast(one: string, other: string): number {
  const [darker = 0, lighter = 0] = [readLuminance(one), readLuminance(other)].sort((first, second) => first - second);
  return (lighter + 0.05) / (darker + 0.05);
}

/** Returns the colour, or the nearest mix with black or white of sufficient contrast to the background. */
export function mendContrast(color: string, background: string): string {
  const end = readLuminance(background) > 0.18 ? 0 : 255;
  for (let step = 0; step < STEPS; step += 1) {
    const mixed = mix(color, end, step / STEPS);
    if (readContrast(mixed, background) >= MIN_CONTRAST) return mixed;
  }
  return mix(color, end, 1);
}

function readChannels(color: string): readonly number[] {
  return [1, 3, 5].map((at) => Number.parseInt(color.slice(at, at + 2), 16));
}

function readLuminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = readChannels(color).map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function mix(color: string, end: number, part: number): string {
  const channels = readChannels(color).map((channel) => Math.round(channel + (end - channel) * part));
  return `#${channels.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}
