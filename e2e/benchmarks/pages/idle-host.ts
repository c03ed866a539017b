/** A CRM's page that watches a thousand agents, and shows how many agents it has received. */
import { connect } from "../../../host/index.ts";

const connector = connect({ src: `${document.body.dataset["widget"]}/widget/` });
let known = 0;
for (let userId = 1; userId <= 1_000; userId += 1) {
  connector.watch(userId, () => {
    known += 1;
    document.body.dataset["known"] = `${known}`;
  });
}
