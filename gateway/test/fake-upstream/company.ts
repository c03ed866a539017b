/** The words by which the API's `PUT /v1/users/:id` sets an agent's availability. */
export const AVAILABILITY_SETTINGS = ["available", "custom", "unavailable"] as const;
export type AvailabilitySetting = (typeof AVAILABILITY_SETTINGS)[number];

/** An agent of the fake's company. */
export interface FakeUser {
  readonly id: number;
  /** What the availability endpoints say. Any text, so that a word that nobody knows can be served. */
  readonly availability: string;
  /** What was last set by `PUT`, or in the vendor's own programs. `custom` follows the working hours. */
  readonly setting: AvailabilitySetting;
}

/** Who hears of what becomes of an agent: `before` is absent for a new one, `after` for one who is gone. */
export type CompanyListener = (before: FakeUser | undefined, after: FakeUser | undefined) => void;

/** The agents whose availability the fake serves. */
export interface Company {
  find(id: number): FakeUser | undefined;
  /** All of them, by id. */
  users(): readonly FakeUser[];
  /** Adds an agent, or changes one. */
  put(id: number, change: Partial<Omit<FakeUser, "id">>): FakeUser;
  /** As the API's `PUT` does it. `undefined` where there is no such agent. */
  set(id: number, setting: AvailabilitySetting): FakeUser | undefined;
  /** False where there was no such agent. */
  remove(id: number): boolean;
  listen(listener: CompanyListener): void;
}

/** In these, setting an agent available changes nothing at once; and who is signed off stays so. */
const UNMOVED = ["in_call", "after_call_work", "offline"];

/** A company of this many agents, with ids from 1 and all of them available. */
export function createCompany(size: number): Company {
  const users = new Map<number, FakeUser>();
  for (let id = 1; id <= size; id += 1) users.set(id, { id, availability: "available", setting: "available" });
  const listeners: CompanyListener[] = [];

  function change(id: number, after: FakeUser | undefined): void {
    const before = users.get(id);
    if (after) users.set(id, after);
    else users.delete(id);
    for (const listener of listeners) listener(before, after);
  }

  function put(id: number, changes: Partial<Omit<FakeUser, "id">>): FakeUser {
    const after: FakeUser = { availability: "available", setting: "available", ...users.get(id), ...changes, id };
    change(id, after);
    return after;
  }

  return {
    find: (id) => users.get(id),
    users: () => [...users.values()].sort((a, b) => a.id - b.id),
    put,
    set(id, setting) {
      const user = users.get(id);
      if (!user) return undefined;
      const availability = setting === "unavailable" ? "do_not_disturb" : "available";
      return put(id, UNMOVED.includes(user.availability) ? { setting } : { setting, availability });
    },
    remove(id) {
      if (!users.has(id)) return false;
      change(id, undefined);
      return true;
    },
    listen: (listener) => void listeners.push(listener),
  };
}
