// What every page does: nothing that it could not do without.

// A form is sent once, however often its button is pressed.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post") return;
  if (form.dataset.sent) { event.preventDefault(); return; }
  if (form.dataset.confirm && !window.confirm(form.dataset.confirm)) { event.preventDefault(); return; }
  form.dataset.sent = "yes";
});
window.addEventListener("pageshow", () => {
  for (const form of document.forms) delete form.dataset.sent;
});

// After a refused form the reader is brought to the first wrong field.
const wrong = document.querySelector('[aria-invalid="true"]');
if (wrong) wrong.focus();

// On a narrow screen the menu and tabs scroll; the page that we are on is brought into sight.
for (const here of document.querySelectorAll(".menu [aria-current], .tabs [aria-current]")) {
  const row = here.parentElement.getBoundingClientRect();
  const { left, width } = here.getBoundingClientRect();
  here.parentElement.scrollLeft += left - row.left - (row.width - width) / 2;
}
