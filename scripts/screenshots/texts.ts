/** Who writes to a made-up pottery in Berlin, and what. The numbers are nobody's. */

export const CUSTOMERS = [
  { name: "Anna Lindner", phone: "4915550100231", language: "de" },
  { name: "Jonas Weiß", phone: "4915550100417", language: "de" },
  { name: "Mehmet Öztürk", phone: "4915550100688", language: "de" },
  { name: "Sophie Krämer", phone: "4915550100902", language: "de" },
  { name: "Priya Sharma", phone: "919155501007", language: "hi" },
  { name: "Rahul Verma", phone: "919155501094", language: "hi" },
  { name: "Emma Clarke", phone: "447700900118", language: "en" },
  { name: "Liam Murphy", phone: "447700900642", language: "en" },
  { name: "Grace Adeyemi", phone: "447700900377", language: "en" },
  { name: "Noah Fischer", phone: "14155550123", language: "en" },
] as const;

export const TEXTS = {
  de: [
    "Guten Morgen! Ist der Brennkurs am Samstag schon ausgebucht?",
    "Könnten wir meinen Termin auf Donnerstag um 14 Uhr verschieben?",
    "Die Rechnung ist angekommen, nur fehlt noch die Lieferadresse.",
    "Die große Schale ist leider mit einem Sprung bei mir angekommen 😕",
    "Danke, das Paket ist da. Alles heil, wunderschöne Glasur!",
    "Haben Sie die Teekanne auch in Blau?",
    "Ich würde gern zwei Plätze für den Anfängerkurs reservieren.",
    "Wie lange dauert der Versand nach Österreich?",
    "Bitte an die Packstation 142 liefern, zu Hause ist niemand.",
    "Perfekt, bis morgen!",
  ],
  hi: [
    "नमस्ते, क्या कल का समय अभी भी ठीक है?",
    "मेरा ऑर्डर अभी तक नहीं पहुँचा है, कृपया देख लें।",
    "धन्यवाद! कटोरियाँ बहुत सुंदर हैं।",
    "क्या आप मुझे चालान की एक प्रति भेज सकते हैं?",
    "भारत में डिलीवरी का शुल्क कितना होगा?",
    "जी हाँ, शनिवार सुबह ठीक रहेगा।",
  ],
  en: [
    "Hi, is the workshop on Saturday still on?",
    "Could you move my appointment to Thursday afternoon?",
    "The parcel arrived today, everything in one piece. Thank you!",
    "I think there is a mistake on the invoice: I ordered four mugs, not six.",
    "Do you ship to Ireland?",
    "What are the opening hours over the holidays?",
    "Love the new glaze 💙",
    "My order says delivered, but nothing is here. Can you check?",
    "Great, see you then.",
    "Do you take commissions for a set of eight plates? We would need them by the end of May, and are happy to pick them up.",
  ],
} as const;

export const ORDERS = ["orders/create", "orders/paid", "orders/fulfilled", "refunds/create"] as const;

/** As WhatsApp says it of a message that it could not deliver. */
export const FAILED = {
  code: 131_047,
  title: "Re-engagement message",
  message: "Re-engagement message",
  error_data: {
    details: "More than 24 hours have passed since the recipient last replied to the sender number.",
  },
  href: "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
} as const;
