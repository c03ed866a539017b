/** What the environment's variables hold, as schemas of their texts. */
import * as v from "valibot";

export const Port = v.pipe(
  v.string(),
  v.check(isPort, ({ input }) => `${JSON.stringify(input)} is no port (a whole number from 0 to 65535)`),
  v.transform(Number),
);

export const Host = v.pipe(
  v.string(),
  v.regex(/^[\w.:-]+$/, ({ input }) => `${JSON.stringify(input)} is no host name or IP address`),
);

export const Seconds = v.pipe(
  v.string(),
  v.check(
    (text) => /^\d{1,9}$/.test(text),
    ({ input }) => `${JSON.stringify(input)} is no number of whole seconds`,
  ),
  v.transform(Number),
);

function isPort(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}
