// The last screen of the first set-up: the first call that comes in is shown as soon as it rings.
const waiting = document.querySelector("[data-waits-for-call]");
if (waiting) {
  const since = new Date().toISOString();
  const look = async () => {
    const query = new URLSearchParams({ after: since, limit: "1" });
    const answer = await fetch(`${waiting.dataset.waitsForCall}?${query}`).catch(() => null);
    const [call] = answer && answer.ok ? (await answer.json()).items : [];
    if (!call) { setTimeout(look, 2000); return; }
    const link = document.createElement("a");
    link.href = waiting.dataset.call + encodeURIComponent(call.call_id);
    link.textContent = `A call from ${call.caller_name || call.caller_number || "an unknown number"} is here. Look at it.`;
    waiting.replaceChildren(link);
    waiting.classList.add("arrived");
  };
  look();
}
