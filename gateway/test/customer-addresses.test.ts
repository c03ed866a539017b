import { expect, test } from "vitest";
import { createCustomers } from "../customer.ts";
import { createMemoryStore } from "../store/memory-store.ts";
import { TEST_BUILD, TEST_FILES } from "./test-build.ts";
import { ANONYMOUS_READS, availabilityServiceOver, checkedGateway, throwDefect } from "./test-gateway.ts";

/** Creates a gateway for two customers with different agents. `acme` also owns the addresses without a customer. */
async function gatewayForTwo() {
  const store = createMemoryStore();
  await store.forCustomer("acme").set(1, { status: "available" });
  await store.forCustomer("globex").set(2, { status: "in_call" });
  const customers = ["acme", "globex"].map((id) => ({
    id,
    allowedOrigins: [`https://crm.${id}.example`],
    availabilities: availabilityServiceOver(store.forCustomer(id)),
    access: ANONYMOUS_READS,
  }));
  return checkedGateway({
    customers: createCustomers(customers, "acme"),
    files: TEST_FILES,
    onDefect: throwDefect,
  });
}

const app = await gatewayForTwo();

test.each([
  ["/widget/", "https://crm.acme.example"],
  ["/c/acme/widget/", "https://crm.acme.example"],
  ["/c/globex/widget/", "https://crm.globex.example"],
])(
  "serves the widget at %s to the pages of that customer and names no other customer's pages",
  async (path, origin) => {
    const answer = await app.request(path);
    expect(answer.headers.get("Content-Security-Policy")).toContain(`; frame-ancestors ${origin};`);
    const document = await answer.text();
    expect(document).toContain(origin);
    expect(document.match(/https:\/\/crm\.\w+\.example/g)).toHaveLength(1);
  },
);

test("directs the widget to the API below its own address", async () => {
  const document = await (await app.request("/c/globex/widget/")).text();
  const { apiBase } = JSON.parse((document.match(/content="(\{[^"]*\})"/)?.[1] ?? "").replaceAll("&quot;", '"'));
  expect(new URL(apiBase, "https://gateway.test/c/globex/widget/").pathname).toBe("/c/globex/v1/");
});

test.each([
  ["embed.js", TEST_BUILD["embed.js"]],
  ["embed-1.2.3.js", TEST_BUILD["embed-1.2.3.js"]],
  ["widget/assets/view-Bx1.js", TEST_BUILD["widget/assets/view-Bx1.js"]],
])(
  "serves %s below each customer's address, because the widget loads it relative to its own address",
  async (path, text) => {
    for (const base of ["/", "/c/acme/", "/c/globex/"]) {
      await expect((await app.request(base + path)).text()).resolves.toBe(text);
    }
  },
);

test("reads each customer's own users, and answers for another customer's users as for unknown users", async () => {
  const own = await app.request("/c/globex/v1/users/2/availability");
  await expect(own.json()).resolves.toMatchObject({ userId: 2, status: "in_call" });
  const another = await app.request("/c/globex/v1/users/1/availability");
  const nobody = await app.request("/c/globex/v1/users/3/availability");
  expect(another.status).toBe(404);
  expect(Object.fromEntries(another.headers)).toEqual(Object.fromEntries(nobody.headers));
  expect((await another.text()).replace("1", "3")).toBe(await nobody.text());
});

test.each(["/c/nobody/widget/", "/c/nobody/embed.js", "/c/Acme/widget/", "/c/constructor/widget/", "/c//widget/"])(
  "has nothing at %s",
  async (path) => {
    const answer = await app.request(path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get("Content-Type")).toBe("application/problem+json");
  },
);
