import { expect, test } from "vitest";
import { widgetPolicy } from "./content-security-policy.ts";

/** Hashes by WebCrypto instead of by the code under test. */
async function sourceHash(text: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text));
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`;
}

function directive(html: string, name: string): string | undefined {
  return widgetPolicy(html, ["https://crm.example.com", "http://localhost:4000"])
    .split("; ")
    .find((text) => text.startsWith(`${name} `));
}

test("allows only the widget's own files", () => {
  expect(widgetPolicy("<p>", ["https://crm.example.com", "http://localhost:4000"])).toBe(
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; worker-src 'self'; base-uri 'none'; " +
      "form-action 'none'; frame-ancestors https://crm.example.com http://localhost:4000; " +
      "require-trusted-types-for 'script'; trusted-types stream-worker lit-html",
  );
});

test("writes the origins of extensions and apps into frame-ancestors as they are", () => {
  const origins = ["chrome-extension://jkeeabcdefghijklmnopabcdefghijkl", "tauri://localhost", "app://desk:8080"];
  expect(widgetPolicy("<p>", origins)).toContain(`; frame-ancestors ${origins.join(" ")}; `);
});

test("allows each inline script by the hash of its text", async () => {
  const first = "\nconst ä = '<p>' + 1 > 0;\n";
  const second = "second()";
  const html = `<script>${first}</script><p></p><SCRIPT type="module" data-src='a>b'>${second}</SCRIPT >`;
  expect(directive(html, "script-src")).toBe(
    `script-src 'self' ${await sourceHash(first)} ${await sourceHash(second)}`,
  );
});

test("allows each inline style by the hash of its text", async () => {
  const html = "<style>p { color: red }</style>";
  expect(directive(html, "style-src")).toBe(`style-src 'self' ${await sourceHash("p { color: red }")}`);
  expect(directive(html, "script-src")).toBe("script-src 'self'");
});

test("hashes a script without carriage returns, as a browser does", async () => {
  const html = "<script>\r\nfirst()\rsecond()\n</script>";
  expect(directive(html, "script-src")).toBe(`script-src 'self' ${await sourceHash("\nfirst()\nsecond()\n")}`);
});

test.each([
  ["an external script", '<script type="module" crossorigin src="./assets/view.js"></script>'],
  ["a comment", "<!-- <script>no()</script> -->"],
  ["a script in a comment", "<!-- <script> -->"],
])("creates no hash for %s", (_what, html) => {
  expect(directive(html, "script-src")).toBe("script-src 'self'");
});

test("finds a script after a comment about scripts, and a script with a comment in its text", async () => {
  const text = 'log("<!-- no comment -->")';
  const html = `<!-- a <script> follows --><script>${text}</script>`;
  expect(directive(html, "script-src")).toBe(`script-src 'self' ${await sourceHash(text)}`);
});
