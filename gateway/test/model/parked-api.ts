/** The fake of the vendor's API in this process. A test parks requests and responses, and releases them in any order. */
import { createFakeUpstream, type FakeUpstream } from "../fake-upstream/fake-upstream.ts";

/** Calls of the vendor's API. */
export const CALLS = ["list", "read", "set"] as const;
export type Call = (typeof CALLS)[number];

/** Place at which to park: before the API handles the request, or after. */
export const PLACES = ["request", "response"] as const;
export type Place = (typeof PLACES)[number];

/** The next call of one gateway to park. */
export interface ParkRule {
  readonly gateway: number;
  readonly call: Call;
  readonly place: Place;
}

export interface ParkedApi {
  readonly company: FakeUpstream["company"];
  /** Number of pages that the API has listed. */
  listCount(): number;
  /** Number of changes of an agent that the API has made. */
  changeCount(userId: number): number;
  /** Parks the next call that matches. */
  park(rule: ParkRule): void;
  /**
   * Lets an agent leave after the first page of each of the next lists, and come again before the following list, so that
   * the agents behind move to the page before.
   */
  shiftLists(userId: number, lists: number): void;
  /** Answers the next list with the last response for the same page once more, unless agents have come or gone since. */
  repeatPage(): void;
  /** Releases a parked call; does nothing without parked calls. */
  release(index: number): void;
  /** Releases the parked requests, and parks and repeats no further calls. Responses stay parked. */
  stopParking(): void;
  /** Creates the `fetch` of a gateway. */
  fetchOf(gateway: number): typeof fetch;
}

interface Parked {
  readonly place: Place;
  readonly release: () => void;
}

export function createParkedApi(users: number): ParkedApi {
  const fake = createFakeUpstream({ users, requestsPerMinute: Infinity });
  let rules: ParkRule[] = [];
  let parked: Parked[] = [];
  const lastPages = new Map<string, Response>();
  let isRepeating = false;
  let listCount = 0;
  let shift: { readonly userId: number; readonly lists: number } | undefined;
  const changeCounts = new Map<number, number>();
  fake.company.listen((before, after) => {
    if (!before || !after) lastPages.clear();
  });

  async function pass(gateway: number, call: Call, place: Place, signal: AbortSignal): Promise<void> {
    const rule = rules.find((each) => each.gateway === gateway && each.call === call && each.place === place);
    if (!rule) return;
    signal.throwIfAborted();
    rules = rules.filter((each) => each !== rule);
    await new Promise<void>((resolve) => {
      parked.push({ place, release: resolve });
      signal.addEventListener("abort", () => resolve());
    });
    signal.throwIfAborted();
  }

  async function handle(request: Request, call: Call): Promise<Response> {
    if (call === "set") {
      const userId = Number(new URL(request.url).pathname.split("/").at(-1));
      changeCounts.set(userId, (changeCounts.get(userId) ?? 0) + 1);
    }
    if (call !== "list") return fake.api.fetch(request);
    listCount += 1;
    return isFirstPage(request) ? shiftAround(() => list(request)) : list(request);
  }

  /** Lets the agent of the shift come again before the first page is listed, and leave afterwards. */
  async function shiftAround(listFirstPage: () => Promise<Response>): Promise<Response> {
    const current = shift;
    if (!current) return listFirstPage();
    const { userId, lists } = current;
    if (!fake.company.find(userId)) fake.company.put(userId, {});
    const response = await listFirstPage();
    if (shift !== current) return response;
    if (lists > 0) fake.company.remove(userId);
    shift = lists > 0 ? { userId, lists: lists - 1 } : undefined;
    return response;
  }

  async function list(request: Request): Promise<Response> {
    const last = lastPages.get(request.url);
    const response = isRepeating && last ? last : await fake.api.fetch(request);
    if (last) isRepeating = false;
    lastPages.set(request.url, response.clone());
    return response;
  }

  function release(chosen: readonly Parked[]): void {
    parked = parked.filter((each) => !chosen.includes(each));
    for (const each of chosen) each.release();
  }

  return {
    company: fake.company,
    listCount: () => listCount,
    changeCount: (userId) => changeCounts.get(userId) ?? 0,
    park: (rule) => void rules.push(rule),
    shiftLists(userId, lists) {
      shift = { userId, lists };
    },
    repeatPage() {
      isRepeating = true;
    },
    release: (index) => release(parked.slice(index % Math.max(1, parked.length)).slice(0, 1)),
    stopParking() {
      rules = [];
      isRepeating = false;
      shift = undefined;
      release(parked.filter(({ place }) => place === "request"));
    },
    fetchOf: (gateway) => async (input, init) => {
      const request = new Request(input, init);
      const call = toCall(request);
      await pass(gateway, call, "request", request.signal);
      const response = await handle(request, call);
      await pass(gateway, call, "response", request.signal);
      return response;
    },
  };
}

function isFirstPage({ url }: Request): boolean {
  return new URL(url).searchParams.get("page") === "1";
}

function toCall({ method, url }: Request): Call {
  if (method === "PUT") return "set";
  return url.includes("/availabilities") ? "list" : "read";
}
