// One session in OCPP 2.0.1.
import { randomUUID } from "node:crypto";

const VARIABLES = {
  "SmartChargingCtrlr.ProfileStackLevel": "8",
  "SmartChargingCtrlr.RateUnit": "A",
  "SmartChargingCtrlr.PeriodsPerSchedule": "6",
};

function serve({ client, onProfile }) {
  client.handle("GetVariables", ({ params }) => ({
    getVariableResult: params.getVariableData.map(({ component, variable }) => {
      const value = VARIABLES[`${component.name}.${variable.name}`];
      const named = { component, variable };
      return value === undefined
        ? { attributeStatus: "UnknownVariable", ...named }
        : { attributeStatus: "Accepted", attributeValue: value, ...named };
    }),
  }));
  client.handle("SetChargingProfile", ({ params }) => {
    onProfile(params.chargingProfile);
    return { status: "Accepted" };
  });
  client.handle("ClearChargingProfile", () => ({ status: "Unknown" }));
  client.handle("GetCompositeSchedule", () => ({ status: "Rejected" }));
  client.handle("RequestStopTransaction", () => ({ status: "Accepted" }));
}

export async function live201({ client, call, say, onProfile, profileFor, idTag, connector, sampleCount }) {
  serve({ client, onProfile });
  const boot = await call("BootNotification", {
    reason: "PowerUp", chargingStation: { vendorName: "ocpp-rpc", model: "strict" },
  });
  const offsetMs = Date.parse(boot.currentTime) - Date.now();
  const now = () => new Date(Date.now() + offsetMs).toISOString();
  const status = (word) =>
    call("StatusNotification", { evseId: connector, connectorId: 1, connectorStatus: word, timestamp: now() });
  const idToken = { idToken: idTag, type: "ISO14443" };

  await status("Available");
  await call("Heartbeat", {});
  const authorized = await call("Authorize", { idToken });
  await status("Occupied");
  const transactionId = randomUUID();
  let meterWh = 12000;
  let seqNo = 0;
  const event = (eventType, triggerReason, transactionInfo, context, extra = {}) =>
    call("TransactionEvent", {
      eventType,
      timestamp: now(),
      triggerReason,
      seqNo: seqNo++,
      transactionInfo: { transactionId, ...transactionInfo },
      meterValue: [{
        timestamp: now(),
        sampledValue: [
          { value: meterWh, context, measurand: "Energy.Active.Import.Register", unitOfMeasure: { unit: "Wh" } },
          { value: 6.9, context, measurand: "Power.Active.Import", unitOfMeasure: { unit: "kW" } },
          ...["L1", "L2", "L3"].map((phase) => ({ value: 10.0, context, measurand: "Current.Import", phase })),
        ],
      }],
      ...extra,
    });
  const sample = () => ((meterWh += 100), event("Updated", "MeterValuePeriodic", {}, "Sample.Periodic"));

  const evse = { id: connector, connectorId: 1 };
  await event("Started", "Authorized", { chargingState: "Charging" }, "Transaction.Begin", { idToken, evse });
  say("started", { transactionId, authorized: authorized.idTokenInfo.status });
  await sample();
  const profile = await profileFor(transactionId);
  if (!profile) say("no profile");
  for (let i = 1; i < sampleCount; i++) await sample();
  await event("Ended", "StopAuthorized", { stoppedReason: "Local" }, "Transaction.End", { idToken });
  say("stopped", { transactionId, energyWh: meterWh - 12000 });
  await status("Available");
}
