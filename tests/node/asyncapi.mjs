// Prints what the official parser says about an AsyncAPI document, as JSON: node asyncapi.mjs FILE
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(await readFile(process.argv[2], "utf-8"));
const said = diagnostics.map(({ code, message, path, severity }) => ({ code, message, path: path.join("."), severity }));
const channels = document?.allChannels().all().map((channel) => channel.address()) ?? [];
console.log(JSON.stringify({ said, channels }));
