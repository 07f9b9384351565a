// The page of a one-time link, beside what its form does alone: takes the code out of the address, and compares the
// two passwords before anything is sent.

const form = /** @type {HTMLFormElement} */ (document.forms[0]);
const [link, password, again] = ['link', 'password', 'again'].map(
  (name) => /** @type {HTMLInputElement} */ (form.elements.namedItem(name)),
);

// what follows the # stays in the browser: no log has it
function take() {
  link.value = location.hash.slice(1) || link.value;
  history.replaceState(null, '', location.pathname); // nor does it stay in the history
  if (link.value) {
    /** @type {HTMLElement} */ (link.closest('label')).hidden = true;
    password.focus();
  }
}

take();
addEventListener('hashchange', take); // a newer link, opened where an older one stood

function compare() {
  again.setCustomValidity(again.value && again.value !== password.value ? 'The two are not the same.' : '');
}
for (const field of [password, again]) field.addEventListener('input', compare);

form.addEventListener('submit', () => {
  const button = /** @type {HTMLButtonElement} */ (form.querySelector('button'));
  button.disabled = true;
  button.textContent = 'One moment…';
});
