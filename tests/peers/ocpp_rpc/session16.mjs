// One session in OCPP 1.6J.
const CONFIGURATION = {
  ChargeProfileMaxStackLevel: "8",
  ChargingScheduleAllowedChargingRateUnit: "Current",
  ChargingScheduleMaxPeriods: "6",
  MaxChargingProfilesInstalled: "4",
  NumberOfConnectors: "2",
};

function serve({ client, onProfile }) {
  client.handle("GetConfiguration", ({ params }) => {
    const asked = params.key ?? Object.keys(CONFIGURATION);
    const known = asked.filter((key) => key in CONFIGURATION);
    return {
      configurationKey: known.map((key) => ({ key, readonly: true, value: CONFIGURATION[key] })),
      unknownKey: asked.filter((key) => !(key in CONFIGURATION)),
    };
  });
  client.handle("SetChargingProfile", ({ params }) => {
    onProfile(params.csChargingProfiles);
    return { status: "Accepted" };
  });
  client.handle("ClearChargingProfile", () => ({ status: "Unknown" }));
  client.handle("GetCompositeSchedule", () => ({ status: "Rejected" }));
  client.handle("RemoteStopTransaction", () => ({ status: "Accepted" }));
}

export async function live16({ client, call, say, onProfile, profileFor, idTag, connector, sampleCount }) {
  serve({ client, onProfile });
  const boot = await call("BootNotification", { chargePointVendor: "ocpp-rpc", chargePointModel: "strict" });
  const offsetMs = Date.parse(boot.currentTime) - Date.now();
  const now = () => new Date(Date.now() + offsetMs).toISOString();
  const status = (word) =>
    call("StatusNotification", { connectorId: connector, errorCode: "NoError", status: word, timestamp: now() });

  await status("Available");
  await call("Heartbeat", {});
  const authorized = await call("Authorize", { idTag });
  await status("Preparing");
  let meterWh = 12000;
  const started = await call("StartTransaction", {
    connectorId: connector, idTag, meterStart: meterWh, timestamp: now(),
  });
  const transactionId = started.transactionId;
  say("started", { transactionId, authorized: authorized.idTagInfo.status });
  await status("Charging");
  const sample = () =>
    call("MeterValues", {
      connectorId: connector,
      transactionId,
      meterValue: [{
        timestamp: now(),
        sampledValue: [
          { value: String((meterWh += 100)), measurand: "Energy.Active.Import.Register", unit: "Wh" },
          { value: "6900", measurand: "Power.Active.Import", unit: "W" },
          ...["L1", "L2", "L3"].map((phase) => ({ value: "10.0", measurand: "Current.Import", phase, unit: "A" })),
        ],
      }],
    });
  await sample();
  const profile = await profileFor(transactionId);
  if (!profile) say("no profile");
  for (let i = 1; i < sampleCount; i++) await sample();
  await call("StopTransaction", { transactionId, idTag, meterStop: meterWh, timestamp: now(), reason: "Local" });
  say("stopped", { transactionId, energyWh: meterWh - 12000 });
  await status("Available");
}
