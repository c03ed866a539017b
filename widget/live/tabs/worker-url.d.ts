/** The URL of a shared worker that the build places beside the importing module. */
declare module "*?sharedworker&url" {
  const url: string;
  export default url;
}
