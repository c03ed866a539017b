/**
 * The version of the gateway that runs, such as `1.2.3`. The build takes it from package.json; a program that runs the
 * sources without a build, as the end-to-end tests do, has no version to name.
 */
export const VERSION: string = typeof GATEWAY_VERSION === "undefined" ? "0.0.0-unbuilt" : GATEWAY_VERSION;
