/** Repairs roles and labels in VitePress's theme, for assistive technology. */
import type { Plugin } from "vite";

type Replacement = readonly [attribute: string, replacement: string];

/** Attributes of the theme's components. The build fails if a newer theme lacks an attribute. */
const REPLACED: Readonly<Record<string, readonly Replacement[]>> = {
  // The search is a dialog with a field, buttons and a list. The theme calls the dialog a button.
  "VPLocalSearchBox.vue": [
    ['role="button"', 'role="dialog"'],
    [":aria-owns=\"results?.length ? 'localsearch-list' : undefined\"", ""],
    ['aria-expanded="true"\n      aria-haspopup="listbox"', 'aria-modal="true"'],
    // A result is a link inside an option, which may have nothing inside that takes the focus: the link becomes the option.
    [
      `:id="'localsearch-item-' + index"\n            :aria-selected="selectedIndex === index ? 'true' : 'false'"\n            role="option"`,
      'role="none"',
    ],
    [
      ':href="withBase(p.id)"',
      `:href="withBase(p.id)" :id="'localsearch-item-' + index" :aria-selected="selectedIndex === index ? 'true' : 'false'" role="option"`,
    ],
    // A key may have no label unless it is an image.
    ...["navigateUp", "navigateDown", "select", "close"].map((key): Replacement => {
      const label = `<kbd :aria-label="translate('modal.footer.${key}KeyAriaLabel')"`;
      return [label, `${label} role="img"`];
    }),
  ],
  // The home page has no landmark for its content.
  "VPHome.vue": [['class="VPHome"', 'class="VPHome" role="main"']],
};

export function repairTheme(): Plugin {
  return {
    name: "repair-theme",
    enforce: "pre",
    transform: {
      filter: { id: /\/theme-default\/components\/\w+\.vue$/ },
      handler(code, id) {
        const name = id.slice(id.lastIndexOf("/") + 1);
        let repaired = code;
        for (const [attribute, replacement] of REPLACED[name] ?? []) {
          const before = repaired;
          repaired = repaired.replace(attribute, replacement);
          if (repaired === before) this.error(`VitePress's ${name} has no ${attribute}, which the site replaces`);
        }
        return repaired === code ? undefined : { code: repaired, map: null };
      },
    },
  };
}
