// The recordings of a call, one for each of its parts: the waveform shows where it plays, the
// transcript follows, a turn's button plays from there, and after a part comes the next. Without
// this script the browser's own players still work.

const players = [...document.querySelectorAll(".player")].map((section) => {
  const wave = section.querySelector("svg.waveform");
  return {
    audio: section.querySelector("audio"),
    wave,
    line: wave.querySelector(".playhead"),
    longestMs: Number(wave.dataset.durationMs),
    turns: [...document.querySelectorAll(`li.turn[data-part="${section.dataset.part}"]`)],
  };
});
const turns = players.flatMap((player) => player.turns);

function playFrom(player, ms) {
  player.audio.currentTime = ms / 1000;
  player.audio.play();
}

function follow(player) {
  const ms = player.audio.currentTime * 1000;
  if (player.longestMs) {
    const x = String(Math.min(ms / player.longestMs, 1) * player.wave.viewBox.baseVal.width);
    player.line.setAttribute("x1", x);
    player.line.setAttribute("x2", x);
  }
  let current = null;
  for (const turn of player.turns) if (Number(turn.dataset.from) <= ms) current = turn;
  for (const turn of turns) turn.classList.toggle("playing", turn === current && ms > 0);
  return current;
}

let shown = null;
players.forEach((player, place) => {
  const { audio, wave } = player;
  audio.addEventListener("timeupdate", () => {
    if (audio.paused) return;
    const current = follow(player);
    if (current === shown || !current) return;
    shown = current;
    const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    current.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
  });
  audio.addEventListener("seeked", () => follow(player));
  audio.addEventListener("play", () => {
    for (const other of players) if (other !== player) other.audio.pause();
  });
  audio.addEventListener("ended", () => {
    const next = players[place + 1];
    if (next) playFrom(next, 0);
  });
  wave.addEventListener("click", (event) => {
    const box = wave.getBoundingClientRect();
    playFrom(player, ((event.clientX - box.left) / box.width) * player.longestMs);
  });
  for (const turn of player.turns) {
    const button = turn.querySelector("button.play");
    turn.querySelector(".at").hidden = true;
    button.hidden = false;
    button.addEventListener("click", () => playFrom(player, Number(turn.dataset.from)));
  }
});
