// @ts-check
/**
 * A fake of the vendor's API that stands in for the accounts of all customers: each has one page of agents, who never
 * change. The first part of the path names the gateway. `GET /counts` returns the number of polls by gateway since the last call.
 */
import { createServer } from "node:http";

const USERS = Number(process.env["USERS"] ?? 40);

const LIST = JSON.stringify({
  users: Array.from({ length: USERS }, (_, index) => ({ id: index + 1, availability: "available" })),
  meta: { current_page: 1, next_page_link: null },
});

/** @type {Map<string, number>} */
let polls = new Map();

createServer((request, response) => {
  const [, gateway = ""] = (request.url ?? "").split("/");
  response.setHeader("Content-Type", "application/json");
  if (gateway === "counts") {
    response.end(JSON.stringify(Object.fromEntries(polls)));
    polls = new Map();
    return;
  }
  polls.set(gateway, (polls.get(gateway) ?? 0) + 1);
  response.end(LIST);
}).listen(0, "127.0.0.1");

process.once("SIGTERM", () => process.exit(0));
