/**
 * Theme, brand colour and language of the page around the widget. The connector registers as `dark #7a1fa2&de`, for example. A page can
 * also use the fragment of the widget's address, `#theme=dark%20%237a1fa2&lang=de`, and change the fragment without a new load.
 */

export interface PageLook {
  /** `auto` is the theme of the person's system. */
  readonly theme: "light" | "dark" | "auto";
  /** The page's brand colour as `#rrggbb`; `undefined` for the widget's own. */
  readonly accent: string | undefined;
  /** BCP 47 tag of the page's language; `undefined` for the browser's. */
  readonly language: string | undefined;
}

/** Reads a fragment and the look of the page's registration. The fragment counts first. A malformed part counts as absent. */
export function readPageLook(hash: string, look = ""): PageLook {
  const parameters = new URLSearchParams(hash.replace(/^#/, ""));
  const [theme = "", language] = look.split("&");
  const words = (parameters.get("theme") ?? theme).toLowerCase().split(/\s+/);
  return {
    theme: words.includes("dark") ? "dark" : words.includes("light") ? "light" : "auto",
    accent: words.map(toSixDigits).find((color) => color !== undefined),
    language: parameters.get("lang") || language || undefined,
  };
}

function toSixDigits(word: string): string | undefined {
  if (/^#[\da-f]{6}$/.test(word)) return word;
  const [, red, green, blue] = /^#([\da-f])([\da-f])([\da-f])$/.exec(word) ?? [];
  return red && green && blue && `#${red}${red}${green}${green}${blue}${blue}`;
}
