import { expect, test } from "vitest";
import { isExactOrigin } from "./origin.ts";

test.each(["https://crm.example.com", "http://localhost:4000", "http://127.0.0.1:4100", "https://[::1]:8443"])(
  "takes %s as an exact origin",
  (text) => {
    expect(isExactOrigin(text)).toBe(true);
  },
);

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
  "file://",
  "javascript:alert(1)",
  "//crm.example.com",
  "https://crm.example.com:99999",
])("does not take %j as an exact origin", (text) => {
  expect(isExactOrigin(text)).toBe(false);
});
