// What an application built on livekit-client does: joins, attaches picture and sound, shows the words.
"use strict";

const asked = new URLSearchParams(location.search);
const picture = document.getElementById("picture");
const words = document.getElementById("words");
picture.style.width = asked.get("width") + "px";
picture.style.height = asked.get("height") + "px";

const room = new LivekitClient.Room({ adaptiveStream: true, dynacast: true });

room.on(LivekitClient.RoomEvent.TrackSubscribed, (track) => {
  if (track.kind === "video") track.attach(picture);
  else document.body.append(track.attach());
});

room.registerTextStreamHandler("lk.transcription", async (reader) => {
  for await (const piece of reader) words.textContent = (words.textContent + piece).slice(-600);
});

// The main thread stands still without using the processor: a request that is waited for.
function stall(ms) {
  const request = new XMLHttpRequest();
  request.open("GET", "stall?ms=" + ms, false);
  request.send();
}

async function start() {
  const grant = await (await fetch("session", { method: "POST" })).json();
  await room.connect(grant.livekit_url, grant.token);
  if (asked.has("stall")) setInterval(stall, 3000, 500);
}

if (asked.has("press")) addEventListener("keydown", (event) => event.key === "Enter" && start());
else start();
