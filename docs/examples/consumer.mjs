// Follows the stored reports with the npm package `nats`, each written down as a line before it is acknowledged.
//
// node consumer.mjs nats://reports:PASSWORD@localhost:4222 my-service >> reports.jsonl

import { writeSync } from "node:fs";
import { AckPolicy, connect } from "nats";

const [address, name] = process.argv.slice(2);
const { host, username, password } = new URL(address.replace(/^nats:/, "http:"));

const client = await connect({
  servers: host,
  user: decodeURIComponent(username),
  pass: decodeURIComponent(password),
  inboxPrefix: "_INBOX_reports",
  maxReconnectAttempts: -1,
});
const manager = await client.jetstreamManager();
await manager.consumers.add("REPORT", {
  durable_name: name,
  filter_subject: "report.stored.*.*",
  ack_policy: AckPolicy.Explicit,
  max_ack_pending: 100,
});

const reports = await client.jetstream().consumers.get("REPORT", name);
for await (const message of await reports.consume({ max_messages: 50 })) {
  if (message.headers?.get("ce-type") === "dmarq.report_stored.v1") {
    writeSync(1, message.string() + "\n"); // returns when it is written
  }
  message.ack();
}
