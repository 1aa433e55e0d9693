// The code that a kiosk's QR code carries behind the #, which no server sees: into the form, and out of the address.
const code = new URLSearchParams(location.hash.slice(1)).get("code");
if (code) {
  document.getElementById("code").value = code.slice(0, 20);
  history.replaceState(null, "", location.pathname);
}
