// @ts-check
/** The pages of the documentation as the package availability-gateway has them, in its folder `dist/docs`. */

/**
 * Rewrites the links of a page of `docs` for the gateway's package, whose folder `deploy` lies elsewhere and which lacks the
 * repository's README: links to it become their text.
 *
 * @param {string} page
 */
export function rewriteLinks(page) {
  return page
    .replaceAll("](../gateway/deploy/", "](../../deploy/")
    .replaceAll(/\[([^\]]+)\]\(\.\.\/README\.md(?:#[^)]*)?\)/g, "$1");
}
