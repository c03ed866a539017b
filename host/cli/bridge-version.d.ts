/** Version in package.json. The build replaces the name with the text, by `define` in vite.config.ts. */
declare const BRIDGE_VERSION: string;
