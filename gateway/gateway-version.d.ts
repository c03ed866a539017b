/** The version in package.json. The build replaces the name with the text, as `define` of vite.config.ts says. */
declare const GATEWAY_VERSION: string;
