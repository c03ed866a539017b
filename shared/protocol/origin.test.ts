import { expect, test } from "vitest";
import { isExactOrigin } from "./origin.ts";

test.each([
  "https://crm.example.com",
  "http://localhost:4000",
  "http://127.0.0.1:4100",
  "https://[::1]:8443",
  "chrome-extension://jkeeabcdefghijklmnopabcdefghijkl",
  "moz-extension://5f0c9a17-3a86-4d6e-9b0d-1c2d3e4f5a6b",
  "capacitor://localhost",
  "ionic://localhost",
  "tauri://localhost",
  "http://tauri.localhost",
  "https://tauri.localhost",
  "https://localhost",
  "https://appassets.androidplatform.net",
  "app://desk",
  "app://desk:8080",
])("takes %s as an exact origin", (text) => {
  expect(isExactOrigin(text)).toBe(true);
});

test.each([
  "",
  "*",
  "null",
  "https://*.example.com",
  "https://crm.example.com/",
  "https://crm.example.com:443",
  "http://crm.example.com:80",
  "https://CRM.example.com",
  "https://crm.example.com?q",
  "https://user@crm.example.com",
  "https://crm.example.com;script-src",
  "https://crm.example.com https://other.example.com",
  "https://crm.example.com\n",
  "ftp://crm.example.com",
  "ws://crm.example.com",
  "wss://crm.example.com",
  "file://",
  "file://localhost",
  "data://desk",
  "blob://desk",
  "about://desk",
  "javascript://desk",
  "app://",
  "app://desk/",
  "app://Desk",
  "App://desk",
  "app://user@desk",
  "app://desk;script-src",
  "app://*",
  "app://desk:",
  "app://desk:x",
  "app://desk:999999",
  "1app://desk",
  "javascript:alert(1)",
  "//crm.example.com",
  "https://crm.example.com:99999",
])("does not take %j as an exact origin", (text) => {
  expect(isExactOrigin(text)).toBe(false);
});
