/** Formats JSON for the pages: on one line if the line is short enough. */
const WIDTH = 116;

/** Formats a JSON value. `indent` is the indentation of its lines. */
export function toJsonText(value: unknown, indent = ""): string {
  const line = toLine(value);
  if (line.length + indent.length <= WIDTH || typeof value !== "object" || value === null) return line;
  const inner = `${indent}  `;
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  const lines = Object.entries(value).map(([key, part], index) => {
    const label = Array.isArray(value) ? "" : `${JSON.stringify(key)}: `;
    return `${index > 0 ? ",\n" : ""}${inner}${label}${toJsonText(part, inner)}`;
  });
  return `${open}\n${lines.join("")}\n${indent}${close}`;
}

function toLine(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const parts = Object.entries(value).map(([key, part]) => `${JSON.stringify(key)}: ${toLine(part)}`);
  return parts.length > 0 ? `{ ${parts.join(", ")} }` : "{}";
}
