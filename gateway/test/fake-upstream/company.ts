/** Values with which the API's `PUT /v1/users/:id` sets an agent's availability. */
export const AVAILABILITY_SETTINGS = ["available", "custom", "unavailable"] as const;
export type AvailabilitySetting = (typeof AVAILABILITY_SETTINGS)[number];

/** An agent of the fake's company. */
export interface FakeUser {
  readonly id: number;
  /** The value in the availability endpoints. Any text, so that a test can serve unknown values. */
  readonly availability: string;
  /** Last set by `PUT`, or in the vendor's own programs. `custom` follows the working hours. */
  readonly setting: AvailabilitySetting;
}

/** Called after a change of an agent: `before` is absent for a new agent, `after` for a removed agent. */
export type CompanyListener = (before: FakeUser | undefined, after: FakeUser | undefined) => void;

/** The agents whose availability the fake serves. */
export interface Company {
  find(id: number): FakeUser | undefined;
  /** Lists the agents by id. */
  users(): readonly FakeUser[];
  /** Lists the agents that the API's list contains, by id. */
  listed(): readonly FakeUser[];
  /** Leaves an agent out of the API's list. The agent can still be read and changed. */
  hide(id: number): void;
  /** Adds or changes an agent. */
  put(id: number, change: Partial<Omit<FakeUser, "id">>): FakeUser;
  /** Sets an agent's availability as the API's `PUT` does. Returns `undefined` for an unknown agent. */
  set(id: number, setting: AvailabilitySetting): FakeUser | undefined;
  /** Removes an agent. Returns false for an unknown agent. */
  remove(id: number): boolean;
  listen(listener: CompanyListener): void;
}

/**
 * Availabilities in which a change to available has no immediate effect; an agent who is signed off also stays signed
 * off.
 */
const UNMOVED = ["in_call", "after_call_work", "offline"];

/** Creates a company with the given number of agents, with ids from 1, each available. */
export function createCompany(size: number): Company {
  const users = new Map<number, FakeUser>();
  for (let id = 1; id <= size; id += 1) users.set(id, { id, availability: "available", setting: "available" });
  const listeners: CompanyListener[] = [];
  const hidden = new Set<number>();

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

  const sorted = () => [...users.values()].sort((a, b) => a.id - b.id);

  return {
    find: (id) => users.get(id),
    users: sorted,
    listed: () => sorted().filter(({ id }) => !hidden.has(id)),
    hide: (id) => void hidden.add(id),
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
