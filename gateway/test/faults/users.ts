import type { GatewayHttpClient } from "./gateway-client.ts";

/** The ids of the users that there are. */
const USER_IDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/** The one whom tests change themselves, to see how it is answered. */
export const PROBED_USER_ID = 1;

/** The others, who are changed all the time. */
export const BUSY_USER_IDS = USER_IDS.filter((userId) => userId !== PROBED_USER_ID);

/** Makes the users known, as a customer's operator does. */
export async function introduceUsers({ setStatus }: GatewayHttpClient): Promise<void> {
  for (const userId of USER_IDS) {
    const { status, body } = await setStatus(userId, "available");
    if (status !== 201) throw new Error(`User ${userId} was not made known: ${status} ${JSON.stringify(body)}`);
  }
}
