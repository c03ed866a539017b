/**
 * Version of the running gateway, such as `1.2.3`. The build takes the version from package.json. A program without a
 * build, such as an end-to-end test, has no version.
 */
export const VERSION: string = typeof GATEWAY_VERSION === "undefined" ? "0.0.0-unbuilt" : GATEWAY_VERSION;
