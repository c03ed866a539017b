/** Headers of every answer: browsers are to guess no content types, and to let no other site load what does not say that it may. */
export const GUARD_HEADERS = {
  "X-Content-Type-Options": "nosniff",
  "Cross-Origin-Resource-Policy": "same-origin",
};
