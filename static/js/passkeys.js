// Passkeys: a form with data-passkey asks the browser for a credential and submits it. Options come with the form, or from its address.
(() => {
  const getCredential = async (form) => {
    const options = form.dataset.options ? JSON.parse(form.dataset.options)
      : (await (await fetch(form.action, { headers: { Accept: "application/json" } })).json()).request_options;
    return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey) });
  };
  const createCredential = (form) => {
    const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(JSON.parse(form.dataset.options).publicKey);
    const isPasswordless = form.elements.passwordless?.checked;
    Object.assign(publicKey.authenticatorSelection, { residentKey: isPasswordless ? "required" : "discouraged", requireResidentKey: isPasswordless });
    if (isPasswordless) publicKey.authenticatorSelection.userVerification = "required";
    return navigator.credentials.create({ publicKey });
  };
  const showError = (form, text) => { const box = form.querySelector("[data-trouble]"); box.textContent = text; box.hidden = false; };
  document.addEventListener("submit", async (event) => {
    const form = event.target;
    if (!form.dataset.passkey) return; // form.submit() below fires no event
    event.preventDefault();
    if (!window.PublicKeyCredential?.parseRequestOptionsFromJSON) return showError(form, gettext("This browser knows no passkeys, or the address is not https."));
    try {
      const credential = await (form.dataset.passkey === "create" ? createCredential(form) : getCredential(form));
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch (error) {
      showError(form, error.name === "InvalidStateError" ? gettext("This device holds a passkey for you already.") : gettext("No passkey was given. Try again."));
    }
  }, true);
})();
