// A charging station by other authors (npm ocpp-rpc, strict validation both ways) that lives one session and exits.
//
//   node station.mjs --url ws://127.0.0.1:9000/ocpp --id ST-1 --key KEY --version 1.6|2.0.1
//        [--id-tag TAG] [--connector 1] [--wait-profile-ms 20000] [--samples 3]
//
// Prints what it saw as JSON lines: {"saw": "boot", ...}. Exit code 0: the session was lived; 1: it was not, and the
// last line says why. A session's profile is waited for until it arrives, at most --wait-profile-ms.
import { parseArgs } from "node:util";
import { RPCClient, createRPCError } from "ocpp-rpc";
import { live16 } from "./session16.mjs";
import { live201 } from "./session201.mjs";

const { values: options } = parseArgs({
  options: {
    url: { type: "string" },
    id: { type: "string" },
    key: { type: "string" },
    version: { type: "string", default: "1.6" },
    "id-tag": { type: "string", default: "TAG-1" },
    connector: { type: "string", default: "1" },
    "wait-profile-ms": { type: "string", default: "20000" },
    samples: { type: "string", default: "3" },
  },
});

const say = (saw, details = {}) => console.log(JSON.stringify({ saw, ...details }));

const client = new RPCClient({
  endpoint: options.url,
  identity: options.id,
  password: options.key,
  protocols: [`ocpp${options.version}`],
  strictMode: true,
  reconnect: false,
  callTimeoutMs: 20000,
});
client.on("strictValidationFailure", ({ error }) => say("violation", { error: String(error), details: error.details }));

// Profiles by purpose, and who waits for one.
const waiting = [];
const profiles = [];
const onProfile = (profile) => {
  profiles.push(profile);
  say("profile", { profile });
  for (const check of waiting) check();
};
const profileFor = (transactionId) =>
  new Promise((resolve) => {
    const found = () => profiles.find((p) => String(p.transactionId) === String(transactionId));
    const timer = setTimeout(() => resolve(undefined), Number(options["wait-profile-ms"]));
    const check = () => found() && (clearTimeout(timer), resolve(found()));
    waiting.push(check);
    check();
  });

const call = async (method, params) => {
  const answer = await client.call(method, params);
  say("answer", { to: method, answer });
  return answer;
};

client.handle(({ method }) => {
  say("unhandled", { method });
  throw createRPCError("NotImplemented");
});

try {
  await client.connect();
  say("connected", { protocol: client.protocol });
  const live = options.version === "1.6" ? live16 : live201;
  const session = { client, call, say, onProfile, profileFor, idTag: options["id-tag"] };
  await live({ ...session, connector: Number(options.connector), sampleCount: Number(options.samples) });
  await client.close();
  say("closed");
} catch (error) {
  say("failed", { error: String(error), status: error.response?.statusCode });
  process.exit(1);
}
