/** Tabs with the code of the screen. */
import { getElement } from "./elements.ts";
import { SNIPPET_KINDS, type SnippetKind, type SnippetSubject, writeSnippet } from "./snippets.ts";

/** Shows the tabs. The returned function shows the code of another subject. */
export function createSnippetTabs(first: SnippetSubject): (subject: SnippetSubject) => void {
  const list = getElement("snippet-tabs", HTMLElement);
  const panel = getElement("snippet", HTMLElement);
  const code = getElement("snippet-code", HTMLElement);
  const copy = getElement("copy-snippet", HTMLButtonElement);
  const note = getElement("snippet-note", HTMLElement);
  let subject = first;
  let kind: SnippetKind = SNIPPET_KINDS[0];

  const tabs = SNIPPET_KINDS.map((name, index) => {
    const tab = document.createElement("button");
    tab.type = "button";
    tab.id = `snippet-tab-${index}`;
    tab.className = "small";
    tab.textContent = name;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", panel.id);
    tab.addEventListener("click", () => select(name));
    return tab;
  });

  function select(next: SnippetKind): void {
    kind = next;
    for (const [index, tab] of tabs.entries()) {
      const isSelected = SNIPPET_KINDS[index] === kind;
      tab.setAttribute("aria-selected", String(isSelected));
      tab.tabIndex = isSelected ? 0 : -1;
      if (isSelected) panel.setAttribute("aria-labelledby", tab.id);
    }
    code.textContent = writeSnippet(kind, subject);
    note.textContent = "";
  }

  list.addEventListener("keydown", ({ key }) => {
    const steps = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!steps) return;
    const next = (SNIPPET_KINDS.indexOf(kind) + steps + tabs.length) % tabs.length;
    select(SNIPPET_KINDS[next] ?? kind);
    tabs[next]?.focus();
  });
  copy.addEventListener("click", () => {
    navigator.clipboard.writeText(code.textContent ?? "").then(
      () => {
        note.textContent = "Copied";
      },
      () => {
        note.textContent = "The browser denies copying: select the code.";
      },
    );
  });
  list.append(...tabs);
  select(kind);
  return (next) => {
    subject = next;
    select(kind);
  };
}
