"use strict";

// Everything that would contact another server is off: fonts, telemetry, the assistant, the hosted client.
Scalar.createApiReference("#viewer", {
  sources: [
    { title: "REST", slug: "rest", url: "/openapi.json", default: true },
    { title: "WebSocket", slug: "websocket", url: "/asyncapi.json" },
  ],
  telemetry: false,
  withDefaultFonts: false,
  agent: { disabled: true },
  mcp: { disabled: true },
  showDeveloperTools: "never",
  hideClientButton: true,
  defaultOpenAllTags: true,
});
