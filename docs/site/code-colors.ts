/** Colours of code by classes, because a page's policy allows no further style attributes. `theme/style.css` has the colours. */
import type { ShikiTransformer } from "shiki";

/** Replaces each `style="color:var(--code-token-comment)"` of highlighted code by a class `code-token-comment`. */
export const useClasses: ShikiTransformer = {
  name: "use-classes",
  pre(node) {
    delete node.properties["style"];
  },
  span(node) {
    const [, name] = /^color:var\(--([\w-]+)\)$/.exec(String(node.properties["style"] ?? "")) ?? [];
    if (name === undefined) return;
    delete node.properties["style"];
    this.addClassToHast(node, name);
  },
};
