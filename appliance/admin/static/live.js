// The live page: takes what happens from the feed into the cards that the server rendered. Whatever
// came from outside is only ever set as text.

const list = document.getElementById("live");
const blank = document.getElementById("live-call").content.firstElementChild;
const news = document.getElementById("live-news");
const connection = document.getElementById("live-state");
const mine = new Set(list.dataset.mine.split(" ").filter(Boolean));
const ENDED_STAY_MS = 45_000;
const TURNS_KEPT = 60;
const NEWS_EVERY_MS = 4_000;
let position = Number(list.dataset.position);

// Pieces.

const words = (text) => {
  const plain = String(text || "").replaceAll("_", " ");
  return plain ? plain[0].toUpperCase() + plain.slice(1) : "—";
};
const part = (card, name) => card.querySelector(`[data-part="${name}"]`);
const set = (card, name, text) => {
  const node = part(card, name);
  if (node && node.textContent !== text) node.textContent = text;
  return node;
};
const show = (card, name, visible) => { const node = part(card, name); if (node) node.hidden = !visible; };
const element = (name, classes, text) => {
  const node = document.createElement(name);
  if (classes) node.className = classes;
  if (text !== undefined) node.textContent = text;
  return node;
};
const duration = (ms) => (ms === undefined || ms === null ? "—"
  : ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`);
const clock = (at) => new Date(at).toLocaleTimeString("en-GB", { timeZone: list.dataset.timezone });
const lasting = (ms) => {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
};

/** Put `item` into `parent` by its seq; false when it is there already. */
function insert(parent, item, seq) {
  item.dataset.seq = seq;
  let before = null;
  for (let node = parent.lastElementChild; node; node = node.previousElementSibling) {
    if (Number(node.dataset.seq) === seq) return false;
    if (Number(node.dataset.seq) < seq) break;
    before = node;
  }
  parent.insertBefore(item, before);
  while (parent.children.length > TURNS_KEPT) parent.firstElementChild.remove();
  return true;
}

// Cards.

const cards = new Map();
for (const card of list.children) cards.set(card.dataset.call, card);

function cardOf(call, at) {
  let card = cards.get(call);
  if (card) return card;
  card = blank.cloneNode(true);
  card.dataset.call = call;
  for (const form of card.querySelectorAll("form")) {
    const act = form.getAttribute("action").split("/").pop();
    form.setAttribute("action", `${list.dataset.calls}/${encodeURIComponent(call)}/${act}`);
  }
  part(card, "record").href = `${list.dataset.records}/${encodeURIComponent(call)}`;
  part(card, "lasts").dataset.since = at;
  set(card, "began", clock(at));
  set(card, "who", "Unknown number");
  cards.set(call, card);
  place(card);
  return card;
}

/** Calls for me first, those that go on next, those that ended last; each group as it came. */
function place(card) {
  const rank = (node) => (node.dataset.state === "ended" ? 2 : node.dataset.mine ? 0 : 1);
  const focus = card.contains(document.activeElement) ? document.activeElement : null;
  let before = null;
  for (const node of list.children) {
    if (node !== card && rank(node) > rank(card)) { before = node; break; }
  }
  if (card.nextElementSibling !== before || card.parentNode !== list) list.insertBefore(card, before);
  if (focus) focus.focus();
}

const who = (card) => part(card, "who").textContent;

const happened = {
  call_started(card, it) {
    if (!card.dataset.named) set(card, "who", it.name || it.number || "Unknown number");
    set(card, "number", it.number);
    set(card, "did", it.did);
    tell(`Call from ${who(card)}.`);
  },
  words_heard(card, it) {
    const last = [...part(card, "turns").querySelectorAll("li.caller")].pop();
    if (card.dataset.state === "ended" || (last && Number(last.dataset.seq) > it.seq)) return;
    set(card, "hearing", it.text);
    show(card, "hearing", Boolean(it.text));
  },
  turn_taken(card, it) {
    const item = element("li", it.speaker);
    const said = element("p", "", it.text || "…");
    said.dir = "auto";
    if (it.cut) said.append(" ", element("span", "badge", "Interrupted"));
    if (it.keyed) said.append(" ", element("span", "badge", "Keyed"));
    item.append(element("span", "speaker", words(it.speaker)), said);
    const turns = part(card, "turns");
    const atEnd = turns.scrollHeight - turns.scrollTop - turns.clientHeight < 60;
    if (!insert(turns, item, it.seq)) return;
    if (atEnd) turns.scrollTop = turns.scrollHeight;
    if (it.speaker === "appliance") {
      if (it.seq > Number(card.dataset.saved || 0)) show(card, "saying", false);
      delays(card, it.delays);
    } else if (it.speaker === "caller") {
      show(card, "hearing", false);
    }
  },
  decision_made(card, it) {
    if (it.seq <= Number(card.dataset.decided || 0)) return;
    card.dataset.decided = it.seq;
    set(card, "action", words(it.action));
    set(card, "reason", it.reason);
    set(card, "sure", `${Math.round(it.confidence * 100)} % · ${duration(it.took_ms)}`);
    show(card, "decided", true);
    if (it.priority !== card.dataset.priority) {
      card.dataset.priority = it.priority;
      const badge = set(card, "priority", words(it.priority));
      badge.className = `badge ${it.priority}`;
      badge.hidden = it.priority === "normal" || it.priority === "low";
      if (!badge.hidden) tell(`${who(card)}: ${words(it.priority)}.`);
    }
  },
  conversation_saved(card, it) {
    if (it.seq < Number(card.dataset.saved || 0)) return;
    card.dataset.saved = it.seq;
    if (it.name) { card.dataset.named = "yes"; set(card, "who", it.name); }
    if (it.topic) { set(card, "topic", it.topic); show(card, "topic-line", true); }
    const last = part(card, "turns").lastElementChild;
    const said = last && last.className === "appliance" && Number(last.dataset.seq) > it.seq;
    set(card, "saying", it.saying);
    show(card, "saying", Boolean(it.saying) && !said && card.dataset.state !== "ended");
  },
  transfer_started(card, it) {
    card.dataset.transfer = it.transfer;
    state(card, "ringing", `Ringing ${it.target} (${it.extensions.join(", ")})`);
    card.dataset.target = it.target;
    const forMe = it.extensions.some((number) => mine.has(number));
    set(card, "announcement", it.announcement);
    show(card, "announced", Boolean(it.announcement));
    const wanted = [...part(card, "turns").querySelectorAll("li.caller p")].pop();
    set(card, "wanted", wanted ? wanted.textContent : "");
    forMine(card, forMe);
    tell(forMe ? `${who(card)} rings at your telephone. ${it.announcement}` : `${who(card)}: ringing ${it.target}.`);
  },
  transfer_ended(card, it) {
    forMine(card, false);
    const target = card.dataset.target || "";
    if (it.result === "connected") {
      state(card, "connected", `With ${target}`);
      show(card, "saying", false);
      tell(`${who(card)} is with ${target}.`);
      return;
    }
    state(card, "talking", "With the appliance");
    const attempts = part(card, "attempts");
    if (attempts.querySelector(`[data-transfer="${Number(it.transfer)}"]`)) return;
    const item = element("li");
    item.dataset.transfer = it.transfer;
    item.append(element("bdi", "", target), " ", element("span", "muted", words(it.result)));
    attempts.append(item);
    show(card, "tried", true);
  },
  call_ended(card, it) {
    forMine(card, false);
    part(card, "lasts").dataset.until = it.at;
    show(card, "saying", false);
    show(card, "hearing", false);
    state(card, "ended", words(it.how || it.outcome));
    tell(`The call from ${who(card)} has ended.`);
  },
  call_resumed: (card, it) => note(card, it, `${it.controller} took the call up.`),
  media_lost: (card, it) => note(card, it, "No sound came from the caller."),
  stage_failed: (card, it) => note(card, it, `The ${it.stage.replaceAll("_", " ")} failed; instead: ${it.fallback}.`),
  engine_changed: (card, it) => note(card, it, `The ${it.stage.replaceAll("_", " ")} is now ${it.after}.`),
  message_taken: (card, it) => note(card, it, `Message for ${it.target}: ${it.text}`),
  order_answered: (card, it) => note(card, it, `${it.by}: ${it.words}`),
};

function note(card, it, text) {
  insert(part(card, "notes"), element("li", "", text), it.seq);
}

function state(card, name, going) {
  if (card.dataset.state === "ended") return;
  card.dataset.state = name;
  set(card, "going", going);
  place(card);
}

function forMine(card, yes) {
  if (yes) card.dataset.mine = "yes"; else delete card.dataset.mine;
  show(card, "for-me", yes);
  const say = part(card, "say");
  if (say && !card.querySelector('form[action$="/hangup"]')) say.hidden = !yes;
  place(card);
}

function delays(card, took) {
  if (!took || took.endpoint === undefined) return;
  show(card, "delays", true);
  const stages = [...part(card, "delays").querySelectorAll("[data-stage]")];
  const total = stages.reduce((sum, node) => sum + (took[node.dataset.stage] || 0), 0);
  let at = 0;
  for (const node of stages) {
    const stage = node.dataset.stage;
    const width = total ? (100 * (took[stage] || 0)) / total : 0;
    node.textContent = `${node.textContent.split(" ")[0]} ${duration(took[stage])}`;
    const bar = part(card, "delays").querySelector(`rect.${stage}`);
    bar.setAttribute("x", at.toFixed(2));
    bar.setAttribute("width", width.toFixed(2));
    at += width;
  }
}

function take(message) {
  for (const it of message.happenings) {
    const act = happened[it.kind];
    if (!act) continue;
    const card = cardOf(it.call, it.at);
    act(card, it);
    card.classList.remove("fresh");
    requestAnimationFrame(() => card.classList.add("fresh"));
  }
  position = message.position;
  list.dataset.position = position;
  count();
}

// What a screen reader is told: a sentence now and then, never every word.

let waiting = [];
let toldAt = 0;
function tell(sentence) {
  waiting = [...waiting, sentence].slice(-3);
  if (waiting.length > 1 && toldAt) return;
  const left = NEWS_EVERY_MS - (Date.now() - toldAt);
  toldAt = toldAt || 1;
  setTimeout(() => {
    news.textContent = waiting.join(" ");
    waiting = [];
    toldAt = Date.now();
  }, Math.max(0, left));
}

function count() {
  const going = [...cards.values()].filter((card) => card.dataset.state !== "ended").length;
  const text = going === 0 ? "Nobody is on the line." : going === 1 ? "1 call in progress." : `${going} calls in progress.`;
  const node = document.getElementById("live-count");
  if (node.textContent !== text) node.textContent = text;
  document.title = `${going ? `(${going}) ` : ""}Live · Appliance`;
  document.getElementById("live-empty").hidden = cards.size > 0;
}

// Clocks, and the end of what has ended.

// The page was made at a time of the server's; this computer's clock may be another.
const skewed = Date.parse(list.dataset.now) - performance.timeOrigin;
setInterval(() => {
  const now = performance.timeOrigin + performance.now() + (Math.abs(skewed) > 5_000 ? skewed : 0);
  for (const [call, card] of cards) {
    const node = part(card, "lasts");
    const until = node.dataset.until ? Date.parse(node.dataset.until) : now;
    const text = lasting(until - Date.parse(node.dataset.since));
    if (node.textContent !== text) node.textContent = text;
    if (card.dataset.state === "ended" && now - until > ENDED_STAY_MS && !card.contains(document.activeElement)) {
      cards.delete(call);
      card.remove();
      count();
    }
  }
}, 1000);

// The feed.

let attempts = 0;
function say(text) {
  if (connection.textContent !== text) connection.textContent = text;
  document.body.classList.toggle("cut-off", attempts > 0);
}

function connect() {
  const address = new URL(list.dataset.feed, location.href);
  address.protocol = address.protocol.replace("http", "ws");
  address.searchParams.set("after", position);
  const socket = new WebSocket(address);
  socket.addEventListener("open", () => { attempts = 0; say("Up to date."); });
  socket.addEventListener("message", (event) => {
    const message = JSON.parse(event.data);
    if (message.reload) { location.reload(); return; }
    if (message.parts) { health(message.parts); return; }
    take(message);
  });
  socket.addEventListener("close", (event) => {
    if (event.code === 4001) { location.reload(); return; }
    attempts += 1;
    const wait = Math.min(15_000, 500 * 2 ** Math.min(attempts, 6)) * (0.5 + Math.random() / 2);
    say(attempts > 1 ? "The connection is lost; trying again. Calls go on." : "Reconnecting …");
    setTimeout(connect, wait);
  });
}

// The health strip.

function health(parts) {
  const wrong = parts.filter((it) => it.state !== "ok");
  const shown = wrong.length ? wrong.map((it) => [it.state, `${it.title}.`, it.words])
    : [["ok", "All is well.", `${parts.map((it) => it.title).join(", ")}.`]];
  document.getElementById("health").replaceChildren(...shown.map(([kind, title, text]) => {
    const node = element("span", `part ${kind}`);
    const link = element("a", "", title);
    link.href = list.dataset.health;
    node.append(link, " ", element("span", "words", text));
    return node;
  }));
}

// Acting without leaving the page.

list.addEventListener("submit", async (event) => {
  event.preventDefault();
  event.stopPropagation();
  const form = event.target;
  if (form.dataset.busy) return;
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) return;
  const card = form.closest(".live-call");
  form.dataset.busy = "yes";
  const buttons = [...card.querySelectorAll(".acts button, .for-me button")];
  for (const button of buttons) button.setAttribute("aria-disabled", "true");
  set(card, "answer", "Asking the controller …");
  try {
    const answer = await fetch(form.action, {
      method: "POST", headers: { Accept: "application/json" }, body: new URLSearchParams(new FormData(form)),
    });
    const json = (answer.headers.get("Content-Type") || "").startsWith("application/json");
    const { done, words: text } = json ? await answer.json()
      : { done: false, words: `It was refused (${answer.status}). Load the page again.` };
    set(card, "answer", text).classList.toggle("wrong", !done);
    if (done) form.reset();
  } catch {
    set(card, "answer", "No answer came; look at the call before you try again.").classList.add("wrong");
  } finally {
    delete form.dataset.busy;
    for (const button of buttons) button.removeAttribute("aria-disabled");
  }
});

// Cards or rows: as last chosen.

for (const link of document.querySelectorAll("[data-view]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    view(link.dataset.view);
    localStorage.setItem("live-view", link.dataset.view);
  });
}
function view(name) {
  list.classList.toggle("rows", name === "rows");
  list.classList.toggle("cards", name !== "rows");
  for (const link of document.querySelectorAll("[data-view]")) {
    if (link.dataset.view === name) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
  }
}
if (!location.search && localStorage.getItem("live-view")) view(localStorage.getItem("live-view"));

for (const turns of list.querySelectorAll('[data-part="turns"]')) turns.scrollTop = turns.scrollHeight;
count();
connect();
