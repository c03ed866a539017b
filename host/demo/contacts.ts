/** The contacts of the CRM, all made up. */
import { agentNameOf, TEAM_IDS } from "./team-names.ts";

/** A contact, whose owner is an agent. */
export interface Contact {
  readonly name: string;
  readonly title: string;
  readonly company: string;
  readonly phone: string;
  readonly email: string;
  readonly ownerId: number;
}

const FIRST_NAMES =
  "Ada Bilal Carmen Dev Elif Femi Greta Hugo Imani Jun Katya Leo Maja Noor Otto Priya Quentin Rosa Sami Tove".split(
    " ",
  );

const LAST_NAMES =
  "Abara Brandt Dahl Eriksen Farouk Hoang Ivanova Jansen Kowalski Lindqvist Mbeki Nakamura Okoye Petrov Ramos Silva".split(
    " ",
  );

const COMPANIES = [
  "Alder Court Flats",
  "Brightwater Quays",
  "Cinder Lane Studios",
  "Dockside Clinics",
  "Elm Street Library",
  "Fairview Hotels",
  "Granary Offices",
  "Harbour Point",
];

const TITLES = ["Facilities manager", "Site manager", "Caretaker", "Head of property", "Office manager"];

/** Number of contacts. */
const COUNT = 200;

const MARTA: Contact = {
  name: "Marta Oyelaran",
  title: "Facilities manager",
  company: "Brightwater Quays",
  phone: "+44 20 7946 0123",
  email: "marta@bwq.example",
  ownerId: 123,
};

/** The list: the same each time, so that tests and pictures repeat. */
export const CONTACTS: readonly Contact[] = [
  MARTA,
  ...Array.from({ length: COUNT - 1 }, (_, index) => createContact(index)),
];

function createContact(index: number): Contact {
  const first = pick(FIRST_NAMES, index * 7);
  const last = pick(LAST_NAMES, index * 3 + Math.floor(index / 20));
  const company = pick(COMPANIES, index * 5 + 1);
  return {
    name: `${first} ${last}`,
    title: pick(TITLES, index),
    company,
    // Of the range that Ofcom keeps for fiction.
    phone: `+44 20 7946 ${String(200 + index).padStart(4, "0")}`,
    email: `${first}.${last}@${company.replace(/ .*/, "")}.example`.toLowerCase(),
    ownerId: pick(TEAM_IDS, index),
  };
}

function pick<Item>(items: readonly Item[], index: number): Item {
  const item = items[index % items.length];
  if (item === undefined) throw new RangeError("expected a list with items");
  return item;
}

/** Returns the contacts with each word of the text in name, company, title or owner. */
export function findContacts(text: string): readonly Contact[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  return CONTACTS.filter(({ name, company, title, ownerId }) => {
    const searched = `${name} ${company} ${title} ${agentNameOf(ownerId)}`.toLowerCase();
    return words.every((word) => searched.includes(word));
  });
}
