// The page's living part: changes arrive as pieces of HTML that the server's templates have escaped; everything else is text.
"use strict";

const byId = (id) => document.getElementById(id);
const harbour = document.querySelector(".harbour");
const headlines = byId("headlines");
const HEADLINES_MAX = 200;

// A parser of its own never runs scripts or loads anything while it reads.
function parsed(html) {
  return new DOMParser().parseFromString(html, "text/html").body.firstElementChild;
}

function say(words) {
  byId("announce").textContent = words;
}

function openNames(article) {
  return new Map([...article.querySelectorAll("details")].map((d) => [d.dataset.name, d.open]));
}

function messageIds(root) {
  return new Set([...root.querySelectorAll("[data-id]")].map((element) => element.dataset.id));
}

// Swap one headline: what a person unfolded stays unfolded, what is new lights up for a moment.
function replaced(old, fresh) {
  const folds = openNames(old), known = messageIds(old);
  const focused = old.contains(document.activeElement) ? document.activeElement.closest("details")?.dataset.name : null;
  for (const details of fresh.querySelectorAll("details")) {
    if (folds.has(details.dataset.name)) details.open = folds.get(details.dataset.name);
  }
  for (const reply of fresh.querySelectorAll("[data-id]")) {
    if (!known.has(reply.dataset.id)) reply.classList.add("is-new");
  }
  old.replaceWith(fresh);
  if (focused) fresh.querySelector(`details[data-name="${CSS.escape(focused)}"] > summary`)?.focus({ preventScroll: true });
}

function showBoard(change) {
  const isFirst = !showBoard.seen;
  showBoard.seen = true;
  if (change.is_whole) {
    const kept = new Set(change.headlines.map((headline) => headline.id));
    for (const card of [...headlines.children]) if (!kept.has(card.dataset.id)) card.remove();
  }
  for (const { id, html, fallback } of [...change.headlines].reverse()) {
    const fresh = parsed(html);
    const old = headlines.querySelector(`:scope > [data-id="${CSS.escape(id)}"]`);
    const hasNews = !old || messageIds(fresh).size > messageIds(old).size;
    if (old) {
      replaced(old, fresh);
    } else {
      if (!isFirst) fresh.classList.add("is-new");
      headlines.prepend(fresh);
    }
    if (hasNews && !(isFirst && change.is_whole)) say(fallback);
  }
  while (headlines.children.length > HEADLINES_MAX) headlines.lastElementChild.remove();
  harbour.dataset.revision = change.revision;
}

function showState(regions) {
  for (const [id, html] of Object.entries(regions)) {
    const place = byId(id);
    if (!place || place.contains(document.activeElement)) continue;
    place.replaceChildren(...new DOMParser().parseFromString(html, "text/html").body.childNodes);
  }
  const { mood, open } = document.querySelector("#masthead .mood").dataset;
  for (const name of ["alert", "fog", "calm"]) document.body.classList.toggle(`is-${name}`, name === mood);
  document.title = open === "0" ? "Fogbell" : `(${open}) Fogbell`;
}

function showTrouble(words) {
  const place = byId("offline");
  place.hidden = !words;
  place.textContent = words;
}

function listen() {
  const { channel, revision } = harbour.dataset;
  if (!channel) return;
  const query = new URLSearchParams({ channel, since: revision });
  const source = new EventSource(`/events?${query}`);
  const told = (name, show) => source.addEventListener(name, (event) => {
    showTrouble("");
    show(JSON.parse(event.data));
  });
  told("board", showBoard);
  told("state", showState);
  source.addEventListener("trouble", (event) => showTrouble(JSON.parse(event.data).error));
  source.addEventListener("error", () => {
    showTrouble("The connection is lost; what you see may be old. Trying again …");
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, 10000);
  });
}

const input = byId("text");
const asked = [];
let position = 0;

async function answerTo(text) {
  const { channel } = harbour.dataset;
  const response = await fetch("/api/command", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ text, channel, once: once() }),
  });
  const body = await response.json();
  return response.ok ? parsed(body.html) : plainAnswer(body.error);
}

// Names one press of the button, so that it is carried out once. (randomUUID exists only on https and localhost.)
function once() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("");
}

function plainAnswer(words) {
  const article = document.createElement("article");
  article.className = "answer is-error";
  const line = document.createElement("p");
  line.textContent = words;
  article.append(line);
  return article;
}

function putAway() {
  byId("answers").replaceChildren();
}

byId("command").addEventListener("submit", async (event) => {
  event.preventDefault();
  const text = input.value.trim();
  if (!text) return;
  const button = event.target.querySelector("button");
  button.disabled = true;
  asked.push(text);
  position = asked.length;
  try {
    byId("answers").replaceChildren(await answerTo(text));
    input.value = "";
  } catch {
    byId("answers").replaceChildren(plainAnswer("No answer came. Look whether the command was carried out before you repeat it."));
  } finally {
    button.disabled = false;
    input.focus({ preventScroll: true });
  }
});

byId("answers").addEventListener("click", (event) => {
  if (event.target.closest(".away")) {
    putAway();
    input.focus({ preventScroll: true });
  }
});

input.addEventListener("keydown", (event) => {
  const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
  if (!step || !asked.length || (input.value && !asked.includes(input.value))) return;
  event.preventDefault();
  position = Math.min(Math.max(position + step, 0), asked.length);
  input.value = asked[position] ?? "";
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") putAway();
  if (event.key === "/" && !event.target.closest("input, textarea") && !event.ctrlKey && !event.metaKey) {
    event.preventDefault();
    input.focus({ preventScroll: true });
  }
});

listen();
