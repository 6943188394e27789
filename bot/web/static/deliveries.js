// Keeps the delivery log fresh: the same page again every ten seconds, and only its tables are put in place.
"use strict";

const PARTS = ["chats", "waiting", "lines", "waiting-title"];
const EVERY_MS = 10000;

function byId(id) {
  return document.getElementById(id);
}

function say(words) {
  const offline = byId("offline");
  offline.textContent = words;
  offline.hidden = !words;
}

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
    if (answer.redirected) return location.reload();
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const log = fresh.getElementById("log");
    if (!answer.ok || !log || log.dataset.trouble === "1") throw new Error("trouble");
    for (const id of PARTS) {
      const here = byId(id), there = fresh.getElementById(id);
      if (here && there && here.innerHTML !== there.innerHTML && !here.contains(document.activeElement.closest("a"))) {
        here.replaceChildren(...there.childNodes);
      }
    }
    say("");
  } catch {
    say("Fogbell does not answer; what you see may be old.");
  }
}

setInterval(look, EVERY_MS);
document.addEventListener("visibilitychange", look);
