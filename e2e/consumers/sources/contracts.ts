import { contract } from "availability-bridge/contracts";

export const isIdempotent: boolean = contract["API.FETCH_USER_AVAILABILITY"].idempotent;
