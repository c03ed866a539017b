/** The address of a shared worker that is built beside what imports it. */
declare module "*?sharedworker&url" {
  const url: string;
  export default url;
}
