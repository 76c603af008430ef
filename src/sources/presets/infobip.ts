/** Infobip: Basic authentication of a notification profile, and where its messages stand. */
import type { Preset } from "../preset.ts";

const EVENT = { each: "results", ts: "receivedAt" } as const;

export const infobip = {
  title: "Infobip",
  page: "https://www.infobip.com/docs/cpaas-x/subscriptions-management/create-manage-subscriptions",
  steps: [
    "In the web interface, Developer Tools, Subscriptions Management: make a notification profile for the address with Basic authentication.",
    "USER:PASSWORD is this source's secret.",
  ],
  options: {
    scheme: { algorithm: "basic", header: "Authorization" },
    map: [
      {
        ...EVENT,
        event: "reaction",
        when: { "message.type": "REACTION" },
        message_id: "message.context.id",
        type: "message.type",
      },
      { ...EVENT, event: "reaction", when: { "content[0].type": "REACTION" }, type: "content[0].type" },
      { ...EVENT, event: "other", when: { event: ["TYPING_STARTED", "TYPING_STOPPED"] }, type: "event" },
      {
        ...EVENT,
        // Reports of what was delivered and seen have the same parties.
        when: { "status.groupName": "", seenAt: "", event: ["", "MO"] },
        message_id: "messageId",
        from: ["from", "sender"],
        // A group is the recipient of what is written in it.
        to: ["message.context.groupId", "to", "destination"],
        text: [
          ...["text", "message.text", "message.caption", "message.title", "message"],
          // Of an MMS its subject comes first, and of other contents their files may.
          ...["content[1].text", "content[0].text"],
        ],
        type: ["message.type", "content[0].type"],
        channel: ["integrationType", "channel", "=sms"],
      },
      {
        each: "results",
        event: "status",
        message_id: "messageId",
        ts: ["seenAt", "doneAt", "sentAt"],
        type: ["status.name", "=SEEN"],
      },
    ],
  },
} as const satisfies Preset;
