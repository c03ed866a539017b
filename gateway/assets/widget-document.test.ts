import * as v from "valibot";
import { expect, test } from "vitest";
import { WidgetSettings } from "../../shared/protocol/widget-settings.ts";
import { TEST_FILES } from "../test/test-build.ts";
import { prepareWidgetDocument, WidgetDocumentError } from "./widget-document.ts";

const ORIGINS = ["https://crm.example.com", "http://localhost:4000"];

test.each([
  '<meta name="availability-bridge" content="" />',
  '<meta name="availability-bridge" content="">',
  '<meta name="availability-bridge"\n  content=""/>',
])("writes the widget's settings into %j", (meta) => {
  const { body } = prepareWidgetDocument(`<head>${meta}</head>`, ORIGINS);
  const content =
    /^<head><meta name="availability-bridge" content="([^"<>']*)"><\/head>$/.exec(String(body))?.[1] ?? "";
  expect(v.parse(WidgetSettings, JSON.parse(content.replaceAll("&quot;", '"')))).toEqual({
    allowedOrigins: ORIGINS,
    apiBase: "../v1/",
  });
});

test("escapes whatever could leave the attribute", () => {
  const { body } = prepareWidgetDocument('<meta name="availability-bridge" content="">', ["&<>'$&"]);
  expect(body).toContain("&quot;&amp;&lt;&gt;&#39;$&amp;&quot;");
});

test("refuses a document without a place for the settings", () => {
  expect(() => prepareWidgetDocument("<head></head>", ORIGINS)).toThrow(WidgetDocumentError);
});

test("has another entity tag where only the policy differs, which a 304 would not bring to the browser", () => {
  const tag = (origins: readonly string[]) => prepareWidgetDocument(TEST_FILES.widgetHtml, origins).etag;
  expect(tag(ORIGINS)).toBe(tag(ORIGINS));
  expect(tag(ORIGINS)).not.toBe(tag(["https://crm.example.com"]));
});
