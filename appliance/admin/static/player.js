// The recording of a call: the waveform shows where it plays, the transcript follows, and a turn's
// button plays from there. Without this script the browser's own player still works.

const player = document.querySelector("#player");
const audio = player.querySelector("audio");
const wave = player.querySelector("svg.waveform");
const line = wave && wave.querySelector(".playhead");
const turns = [...document.querySelectorAll("li.turn[data-from]")];
const longestMs = wave ? Number(wave.dataset.durationMs) : 0;

function playFrom(ms) {
  audio.currentTime = ms / 1000;
  audio.play();
}

function follow() {
  const ms = audio.currentTime * 1000;
  if (line && longestMs) {
    const x = String(Math.min(ms / longestMs, 1) * wave.viewBox.baseVal.width);
    line.setAttribute("x1", x);
    line.setAttribute("x2", x);
  }
  let current = null;
  for (const turn of turns) if (Number(turn.dataset.from) <= ms) current = turn;
  for (const turn of turns) turn.classList.toggle("playing", turn === current && ms > 0);
  return current;
}

let shown = null;
audio.addEventListener("timeupdate", () => {
  const current = follow();
  if (audio.paused || current === shown || !current) return;
  shown = current;
  const calm = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  current.scrollIntoView({ block: "nearest", behavior: calm ? "auto" : "smooth" });
});
audio.addEventListener("seeked", follow);

for (const turn of turns) {
  const button = turn.querySelector("button.play");
  turn.querySelector(".at").hidden = true;
  button.hidden = false;
  button.addEventListener("click", () => playFrom(Number(turn.dataset.from)));
}

if (wave) {
  wave.addEventListener("click", (event) => {
    const box = wave.getBoundingClientRect();
    playFrom(((event.clientX - box.left) / box.width) * longestMs);
  });
}
