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
  const body = prepareWidgetDocument(`<head>${meta}</head>`, ORIGINS).createBody();
  const content = /^<head><meta name="availability-bridge" content="([^"<>']*)"><\/head>$/.exec(body)?.[1] ?? "";
  expect(v.parse(WidgetSettings, JSON.parse(content.replaceAll("&quot;", '"')))).toEqual({
    allowedOrigins: ORIGINS,
    apiBase: "../v1/",
  });
});

test("escapes characters that could end the attribute", () => {
  const body = prepareWidgetDocument('<meta name="availability-bridge" content="">', ["&<>'$&"]).createBody();
  expect(body).toContain("&quot;&amp;&lt;&gt;&#39;$&amp;&quot;");
});

test("rejects a document without a place for the settings", () => {
  expect(() => prepareWidgetDocument("<head></head>", ORIGINS)).toThrow(WidgetDocumentError);
});

test("changes the entity tag with the policy, because a 304 does not bring a new policy to the browser", () => {
  const tag = (origins: readonly string[]) => prepareWidgetDocument(TEST_FILES.widgetHtml, origins).etag;
  expect(tag(ORIGINS)).toBe(tag(ORIGINS));
  expect(tag(ORIGINS)).not.toBe(tag(["https://crm.example.com"]));
});
