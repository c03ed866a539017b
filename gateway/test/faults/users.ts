import type { GatewayHttpClient } from "./gateway-client.ts";

/** The ids of the existing users. */
const USER_IDS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];

/** The user that tests change to check responses. */
export const PROBED_USER_ID = 1;

/** The other users, which are changed all the time. */
export const BUSY_USER_IDS = USER_IDS.filter((userId) => userId !== PROBED_USER_ID);

/** Adds the users, as a customer's operator does. */
export async function introduceUsers({ setStatus }: GatewayHttpClient): Promise<void> {
  for (const userId of USER_IDS) {
    const { status, body } = await setStatus(userId, "available");
    if (status !== 201) throw new Error(`User ${userId} was not made known: ${status} ${JSON.stringify(body)}`);
  }
}
