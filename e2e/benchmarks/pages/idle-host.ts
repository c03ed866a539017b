/** A CRM's page that watches a thousand agents, and shows the receipt of all agents. */
import { connect } from "../../../host/index.ts";

const connector = connect({ src: `${document.body.dataset["widget"]}/widget/` });
let known = 0;
for (let userId = 1; userId <= 1_000; userId += 1) {
  connector.watch(userId, () => {
    known += 1;
    if (known === 1_000) document.body.dataset["known"] = "1000";
  });
}
