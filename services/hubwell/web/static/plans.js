// Warns that a picture is too large before it is sent; the server refuses it with the same sentence.
for (const form of document.querySelectorAll("form[data-most]")) {
  const input = form.querySelector("input[type=file]");
  input.addEventListener("change", () => {
    const large = input.files[0]?.size > Number(form.dataset.most) * 2 ** 20;
    input.setCustomValidity(large ? form.dataset.large : "");
    if (large) input.reportValidity();
  });
  form.addEventListener("submit", (event) => {
    if (!input.validity.customError) return;
    event.preventDefault();
    input.reportValidity();
  });
}
