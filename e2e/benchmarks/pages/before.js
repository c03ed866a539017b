// @ts-check
/** The connector of another build: `--before` replaces this module. Without the option: the present build's. */
export { connect } from "../../../host/index.ts";
