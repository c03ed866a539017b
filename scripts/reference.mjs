// @ts-check
/** `npm run reference`: writes `docs/reference.md` from the contract. */
import { writeFileSync } from "node:fs";
import { runnerImport } from "vite";

/** @type {{ module: typeof import("./reference/page.ts") }} */
const { module } = await runnerImport("./scripts/reference/page.ts", { configFile: false, logLevel: "warn" });
writeFileSync("docs/reference.md", module.createReferencePage());
