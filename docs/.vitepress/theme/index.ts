/** VitePress's theme with the system's fonts, colours that can be read, and the playground. */

import type { Theme } from "vitepress";
import DefaultTheme from "vitepress/theme-without-fonts";
import { DemoFrame } from "./demo-frame.ts";
import "./style.css";

const theme: Theme = {
  extends: DefaultTheme,
  enhanceApp: ({ app }) => {
    app.component("DemoFrame", DemoFrame);
  },
};

export default theme;
