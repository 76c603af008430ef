/**
 * Azure Event Grid, in its own schema and as CloudEvents: a secret in the address, and where the
 * messages of Azure Communication Services stand.
 */
import type { FieldMap } from "../field-map.ts";
import type { Preset } from "../preset.ts";

/** Of Event Grid's schema and of CloudEvents, where an event's name is called otherwise. */
function mapsOf({ each, name }: { each?: "$"; name: "eventType" | "type" }): readonly FieldMap[] {
  const of = (...names: string[]) => ({
    ...(each !== undefined && { each }),
    when: { [name]: names.map((one) => `Microsoft.Communication.${one}`) },
    event_id: "id",
  });
  const received = of("AdvancedMessageReceived");
  return [
    {
      ...of("SMSReceived"),
      message_id: ["data.messageId", "data.MessageId"],
      from: ["data.from", "data.From"],
      to: ["data.to", "data.To"],
      ts: ["data.receivedTimestamp", "data.ReceivedTimestamp", "eventTime", "time"],
      text: ["data.message", "data.Message"],
      channel: "=sms",
    },
    {
      ...of("SMSDeliveryReportReceived", "AdvancedMessageDeliveryStatusUpdated"),
      event: "status",
      message_id: ["data.messageId", "data.MessageId"],
      ts: ["data.receivedTimestamp", "data.ReceivedTimestamp", "eventTime", "time"],
      type: name,
    },
    {
      ...received,
      event: "reaction",
      when: { ...received.when, "data.messageType": "reaction" },
      message_id: "data.reaction.messageId",
      ts: ["data.receivedTimestamp", "eventTime", "time"],
      type: name,
    },
    {
      ...received,
      message_id: ["data.messageId", "id"],
      from: "data.from",
      to: "data.to",
      ts: ["data.receivedTimestamp", "eventTime", "time"],
      text: [
        ...["data.content", "data.media.caption", "data.button.text"],
        ...["data.interactive.buttonReply.title", "data.interactive.listReply.title"],
      ],
      type: "data.messageType",
      channel: ["data.channelType", "=whatsapp"],
    },
  ];
}

export const eventGrid = {
  title: "Azure Event Grid",
  page: "https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema",
  steps: [
    "Make an event subscription with a webhook endpoint: the address, and ?token= with this source's secret behind it.",
    "Both ways in which Azure tries the address are answered.",
  ],
  options: {
    scheme: { algorithm: "token", query: "token", covers_body: false },
    handshakes: [
      {
        match: { method: "POST", header: { "aeg-event-type": "SubscriptionValidation" } },
        answer: { json: { validationResponse: "{json.[0].data.validationCode}" } },
      },
      {
        match: { method: "OPTIONS", header: { "WebHook-Request-Origin": "*" } },
        answer: {
          headers: {
            "WebHook-Allowed-Origin": "{header.WebHook-Request-Origin}",
            "WebHook-Allowed-Rate": "*",
          },
          text: "",
        },
      },
    ],
    map: [
      ...mapsOf({ each: "$", name: "eventType" }),
      ...mapsOf({ each: "$", name: "type" }),
      { each: "$", event: "other", event_id: "id", ts: ["eventTime", "time"], type: ["eventType", "type"] },
      ...mapsOf({ name: "type" }),
      { event: "other", event_id: "id", ts: "time", type: "type" },
    ],
    keep_headers: ["aeg-*", "ce-*"],
  },
} as const satisfies Preset;
