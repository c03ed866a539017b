// @ts-check
/** Packages that the consumers are built and tried with. */
import { FRAMEWORK_PACKAGES } from "./frameworks.mjs";

const react = { esbuild: "0.28.2", jsdom: "26.1.0", "typescript-7.0": "npm:typescript@7.0.2" };

/**
 * Packages of each folder, in exact versions. The package itself is added.
 *
 * @type {Readonly<Record<string, Readonly<Record<string, string>>>>}
 */
export const PACKAGES = {
  jest29: { jest: "29.7.0", "jest-environment-jsdom": "29.7.0" },
  jest30: { jest: "30.5.2", "jest-environment-jsdom": "30.5.2", "@happy-dom/jest-environment": "20.14.5" },
  vitest: {
    vitest: "4.1.12",
    vite: "8.3.8",
    jsdom: "26.1.0",
    "happy-dom": "20.14.6",
    "@testing-library/dom": "10.4.2",
  },
  bundlers: {
    vite: "8.3.8",
    esbuild: "0.28.2",
    rollup: "4.68.8",
    "@rollup/plugin-node-resolve": "16.0.3",
    webpack: "5.113.0",
    vue: "3.5.45",
    svelte: "5.57.3",
    jsdom: "26.1.0",
  },
  webpack4: { webpack: "4.47.0", jsdom: "26.1.0" },
  parcel: { parcel: "2.16.4", jsdom: "26.1.0" },
  next: {
    next: "16.4.6",
    react: "19.2.9",
    "react-dom": "19.2.9",
    "@types/node": "20.19.43",
    "@types/react": "19.2.9",
    typescript: "5.9.3",
  },
  angular: {
    ...Object.fromEntries(
      ["common", "compiler", "compiler-cli", "core", "platform-browser"].map((name) => [`@angular/${name}`, "20.3.35"]),
    ),
    "@angular/build": "20.3.41",
    "@angular/cli": "20.3.41",
    rxjs: "7.8.2",
    tslib: "2.8.1",
    typescript: "5.9.3",
    "zone.js": "0.15.1",
  },
  preact10: { "typescript-7.0": "npm:typescript@7.0.2", preact: "10.29.8" },
  preact11: { "typescript-7.0": "npm:typescript@7.0.2", preact: "11.2.0" },
  vue: { "vue-tsc": "3.3.14", typescript: "5.9.3", vue: "3.5.45" },
  react18: { ...react, react: "18.3.1", "react-dom": "18.3.1", "@types/react": "18.3.32" },
  react19: { ...react, react: "19.2.9", "react-dom": "19.2.9", "@types/react": "19.2.9" },
  older: { react: "17.0.2", vue: "2.7.16" },
  typescript4: { "typescript-4.9": "npm:typescript@4.9.5" },
  typescript5: {
    "typescript-5.0": "npm:typescript@5.0.4",
    "typescript-5.4": "npm:typescript@5.4.5",
    "typescript-5.5": "npm:typescript@5.5.4",
    "typescript-5.6": "npm:typescript@5.6.3",
    "typescript-5.7": "npm:typescript@5.7.3",
    "typescript-5.8": "npm:typescript@5.8.3",
    "typescript-5.9": "npm:typescript@5.9.3",
    "typescript-6.0": "npm:typescript@6.0.3",
  },
  typescript54: { "typescript-5.4": "npm:typescript@5.4.5" },
  typescript7: { "typescript-7.0": "npm:typescript@7.0.2" },
  ...FRAMEWORK_PACKAGES,
};
