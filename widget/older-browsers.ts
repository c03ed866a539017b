/**
 * Defines what the oldest supported browsers lack, in the widget's own document and worker: see `docs/browsers.md`. Imported first, since
 * libraries look at the import for what there is. Does nothing in a newer browser.
 */
import { completeBrowser } from "./complete-browser.ts";

completeBrowser(globalThis);
