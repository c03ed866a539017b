// @ts-check
/** The connector of the build before, which `--before` puts in place of this module. Without that option: this build's. */
export { connect } from "../../../host/index.ts";
