# A HAR file of two equal requests, of a body and $signature.
{url: "https://hooks.example.com/webhook/whatsapp", method: "POST", postData: {text: .},
  headers: [{name: "X-Hub-Signature-256", value: $signature}]}
| {log: {entries: [{request: .}, {request: .}]}}
